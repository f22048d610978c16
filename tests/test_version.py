"""The version: PyTorch's, which compares by its numbers."""

import re
from pathlib import Path

import minigrad as torch
from minigrad.version import TorchVersion

ROOT = Path(__file__).resolve().parents[1]


def test_the_version_is_pytorchs_and_compares_by_numbers():
    assert torch.__version__ >= "1.8" and torch.__version__ > "2.4.0" and torch.__version__ >= "2.13.0+cpu"
    assert torch.__version__ >= (2, 4) and not torch.__version__ < (1, 9) and torch.__version__ < "2.13.1"
    assert TorchVersion("1.10.0") > "1.9" and str(torch.__version__) == torch.version.__version__ == "2.13.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", torch.version.minigrad) and torch.version.cuda is None
    assert 'path = "minigrad/version.py"' in (ROOT / "pyproject.toml").read_text()
