"""Records gradients of PyTorch's normalizations that cancel, so that only the rounding is left.

    pip install torch==2.13.0 && python tests/oracle/record_small_norms.py

It rewrites `tests/data/small_norms.json`; `tests/nn/functional/test_normalization.py` makes the same calls.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

CALLS = [  # the call, the shape of x
    ("F.layer_norm(x, (2,))", (3, 2)),
    ("F.layer_norm(x, (5,), w[:5])", (2, 5)),
    ("F.layer_norm(x, (3, 4))", (2, 3, 4)),
    ("F.layer_norm(x, (19,), w[:19], w[1:20])", (2, 19)),
    ("F.group_norm(x, 2)", (2, 4)),
    ("F.group_norm(x, 2, w[:4])", (2, 4, 3)),
    ("F.group_norm(x, 1, w[:2], w[1:3])", (2, 2, 3, 4)),
    ("F.batch_norm(x, None, None, None, None, True)", (3, 2)),
    ("F.batch_norm(x, None, None, w[:2], w[1:3], True)", (5, 2)),
    ("F.batch_norm(x, None, None, w[:2], None, True)", (2, 2, 3)),
    ("F.batch_norm(x, None, None, None, None, True)", (3, 2, 3, 5)),
    ("F.instance_norm(x)", (2, 2, 3, 3)),
]


def compute_gradient(call, shape):
    """The gradient by x of ``(call * x / 2).sum()``, where x / 2 is a constant."""
    torch.manual_seed(0)
    x, w = (torch.rand(shape) * 4 - 2).requires_grad_(), torch.rand(20)
    y = eval(call, {"F": F, "x": x, "w": w})
    y.backward(x.detach() / 2)
    return [n.hex() for n in x.grad.flatten().tolist()]


if __name__ == "__main__":
    torch.set_num_threads(1)
    data = Path(__file__).parent.parent / "data" / "small_norms.json"
    rows = [json.dumps([call, shape, compute_gradient(call, shape)]) for call, shape in CALLS]
    data.write_text("[\n" + ",\n".join(rows) + "\n]\n")
