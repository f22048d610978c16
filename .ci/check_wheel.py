"""Check a wheel before its release: pure Python, typed, licensed, only the package."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path


def main() -> None:
    """`check_wheel.py FILE`: exits with what is wrong, in words."""
    path = Path(sys.argv[1])
    names = zipfile.ZipFile(path).namelist()
    faults = []
    if not path.name.endswith("-py3-none-any.whl"):
        faults.append(f"{path.name} is not py3-none-any")
    if "minigrad/py.typed" not in names:
        faults.append("py.typed is missing")
    if not any(name.endswith("licenses/LICENSE") for name in names):
        faults.append("the licence is missing")
    belongs = re.compile(r"minigrad/.*(\.py|py\.typed|pytorch_names\.json)$|[^/]*\.dist-info/")
    strangers = [name for name in names if not belongs.match(name)]
    if strangers:
        faults.append(f"files that do not belong there: {', '.join(strangers)}")
    if faults:
        sys.exit("; ".join(faults))
    print(f"{path.name}: {len(names)} files, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
