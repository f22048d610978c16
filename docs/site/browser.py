"""Controls a headless Chromium: open a page, evaluate JavaScript in it, wait for a condition.

It speaks the Chrome DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) through a pipe, with
nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any


def find_chromium() -> str | None:
    """The program, where it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page of one browser; `errors` are those that its console showed."""

    def __init__(self, program: str) -> None:
        self.errors: list[str] = []
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        hears, self._tell = os.pipe()
        self._hear, tells = os.pipe()
        hears, tells = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (hears, tells))  # clear of 3 and 4

        def wire() -> None:  # the browser hears on 3 and tells on 4
            os.dup2(hears, 3)
            os.dup2(tells, 4)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [program, *flags, f"--user-data-dir={self._profile.name}"], preexec_fn=wire, pass_fds=(3, 4),  # noqa: PLW1509 (two calls of the system)
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._said, self._number, self._session = b"", 0, None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._profile.cleanup()

    def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Load a page; its errors are counted from here on."""
        self.errors.clear()
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'", 60)

    def evaluate(self, script: str, seconds: float = 60) -> Any:
        """The value of an expression on the page, of a promise when it is kept. Raises RuntimeError if it throws."""
        answer = self._call(
            "Runtime.evaluate", seconds, expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"].get("exception", answer["exceptionDetails"])))
        return answer["result"].get("value")

    def wait_for(self, condition: str, seconds: float) -> None:
        """Return once a condition holds on the page. Raises TimeoutError after so many seconds."""
        end = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:g} s: {condition}; the console: {self.errors[-3:]}")
            time.sleep(0.2)

    def photograph(self, path: Path) -> None:
        """Keep what the page looks like as a PNG file."""
        import base64

        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _send(self, method: str, **parameters: Any) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._tell, json.dumps(message).encode() + b"\0")
        return self._number

    def _call(self, method: str, seconds: float = 60, **parameters: Any) -> Any:
        number, end = self._send(method, **parameters), time.monotonic() + seconds
        while True:
            answer = self._next(end, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _next(self, end: float, method: str) -> Any:
        """The next message from the browser."""
        while b"\0" not in self._said:
            if not select.select([self._hear], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the browser did not answer {method}")
            self._said += os.read(self._hear, 1 << 16)
        message, _, self._said = self._said.partition(b"\0")
        return json.loads(message)

    def _note(self, event: Any) -> None:
        """Keep what the console shows as an error; let a page go that asks whether to stay."""
        method, told = event.get("method"), event.get("params", {})
        if method == "Page.javascriptDialogOpening":
            self._send("Page.handleJavaScriptDialog", accept=True)
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"].get("exception", {}).get("description", told)))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in told["args"]))
