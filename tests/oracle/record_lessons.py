"""Records what PyTorch prints for every program in tests/lessons/.

    python tests/oracle/record_lessons.py      # needs torch==2.13.0; writes tests/data/lessons.json

The programs import minigrad; here each is run with that one word changed back to `torch`.
"""

import contextlib
import io
import json
import re
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent


def read_printed(program: Path) -> list[str]:
    """The lines that the program prints under PyTorch."""
    source = re.sub(r"\bminigrad\b", "torch", program.read_text(encoding="utf-8"))
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, program.name, "exec"), {"__name__": "__main__"})
    return output.getvalue().splitlines()


def main() -> None:
    programs = sorted(path for path in (TESTS / "lessons").glob("*.py") if not path.name.startswith("test_"))
    record = {
        "recorded_with": f"PyTorch {torch.__version__}",
        "printed": {program.stem: read_printed(program) for program in programs},
    }
    target = TESTS / "data" / "lessons.json"
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{target.relative_to(TESTS.parent)}: {len(programs)} programs")


if __name__ == "__main__":
    main()
