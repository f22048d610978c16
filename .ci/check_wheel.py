"""Check a wheel before anybody installs it: pure Python, typed, licensed, and nothing but the package."""

from __future__ import annotations

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
    strangers = [n for n in names if not n.startswith("minigrad/") and ".dist-info/" not in n]
    strangers += [
        n for n in names if n.startswith("minigrad/") and not n.endswith((".py", "py.typed"))
    ]
    if strangers:
        faults.append(f"files that do not belong there: {', '.join(strangers)}")
    if faults:
        sys.exit("; ".join(faults))
    print(f"{path.name}: {len(names)} files, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
