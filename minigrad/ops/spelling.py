"""NumPy's spellings of PyTorch's keywords: ``axis=`` for ``dim=``, ``keepdims=`` for ``keepdim=``."""

from __future__ import annotations

from typing import Any

SPELLINGS = {"axis": "dim", "keepdims": "keepdim"}


def respell(keywords: dict[str, Any]) -> dict[str, Any]:
    """`keywords` under PyTorch's names; the same dict where nothing is to be changed."""
    for numpys, pytorchs in SPELLINGS.items():
        if numpys in keywords and pytorchs not in keywords:
            keywords = {pytorchs if name == numpys else name: value for name, value in keywords.items()}
    return keywords
