"""Print the Nth sh block of the README, so that CI runs exactly what a reader would paste."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def main() -> None:
    """`readme_block.py N` prints block N, counted from 1, and refuses more than one line."""
    number = int(sys.argv[1])
    blocks = re.findall(r"^```sh\n(.*?)\n```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if len(blocks) < number:
        sys.exit(f"{README.name} has {len(blocks)} sh blocks, so there is no number {number}")
    if "\n" in blocks[number - 1]:
        sys.exit(f"{README.name}: sh block {number} should be one line, got:\n{blocks[number - 1]}")
    print(blocks[number - 1])


if __name__ == "__main__":
    main()
