"""Functions of ops/ go down to the engine and to arrays, never back up to the methods of `Tensor`.

Imports cannot show that: a method is found on the operand. So the samples are run on operands that have
none: what arrays and tensors share, operators, indexing and NumPy's functions, and nothing else.
"""

import ast
import inspect
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import core
from minigrad.autograd.core import TensorBase
from minigrad.ops.index import getitem
from minigrad.tensor.protocols import ProtocolMethods
from tests.ops.test_samples import GOOD, read


class Bare(np.lib.mixins.NDArrayOperatorsMixin, TensorBase):
    """An operand with a tensor's attributes and none of its methods."""

    __slots__ = ()
    __hash__ = object.__hash__
    __array_ufunc__ = ProtocolMethods.__array_ufunc__
    __array_function__ = ProtocolMethods.__array_function__
    __getitem__ = getitem

    def numpy(self):
        """What NumPy's functions ask of a tensor, whoever calls them."""
        return self.array


def strip(x):
    """`x` with `Bare` in the place of every tensor."""
    if isinstance(x, torch.Tensor):
        return core.wrap(x.array, Bare)
    if isinstance(x, (list, tuple)):
        return type(x)(strip(y) for y in x)
    return {name: strip(y) for name, y in x.items()} if isinstance(x, dict) else x


def find_function(name):
    return reduce(getattr, name.split("."), torch)


def is_operation(name):
    """Whether the function that users call by this name stands in ops/."""
    code = getattr(inspect.unwrap(find_function(name)), "__code__", None)
    return code is not None and "ops" in code.co_filename.replace("\\", "/").split("/")


SAMPLES = [c for c in GOOD if c["call"][0] == "function" and is_operation(c["call"][1])]


def test_most_samples_are_of_functions_in_ops():
    assert len(SAMPLES) > 600
    assert {"add", "sum", "reshape", "max", "softmax", "gather"} <= {c["call"][1] for c in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{i} {c['call'][1]}" for i, c in enumerate(SAMPLES)])
def test_no_method_of_tensor_is_called(sample, monkeypatch):
    arguments, options = [strip(read(sample[key], [], "cpu")) for key in ("args", "kwargs")]
    monkeypatch.setattr(core, "result_class", Bare)
    find_function(sample["call"][1])(*arguments, **options)


MORE = {
    name: getattr(torch.linalg, name)
    for name in (
        "cholesky", "cond", "det", "eigh", "eigvalsh", "inv", "matrix_norm", "matrix_rank", "norm", "pinv", "qr",
        "slogdet", "svd", "svdvals",
    )
}  # fmt: skip
MORE |= {
    "logdet": torch.logdet,
    "svd without vectors": lambda x: torch.svd(x, compute_uv=False),
    "svd of torch": torch.svd,
    "qr of a wide one": lambda x: torch.linalg.qr(x[..., :1, :]),
    "matrix_norm in another type": lambda x: torch.linalg.matrix_norm(x, 2, dtype=torch.float64),
    "solve": lambda x: torch.linalg.solve(x, x[0]),
    "solve from the right": lambda x: torch.linalg.solve(x, x, left=False),
    "solve_triangular": lambda x: torch.linalg.solve_triangular(x, x, upper=True, unitriangular=True),
    "softmax of nothing": lambda x: torch.softmax(x[:0], 0),
    "upper cholesky": lambda x: torch.linalg.cholesky(x, upper=True),
}


@pytest.mark.parametrize("name", MORE)
def test_linear_algebra_calls_no_method_of_tensor(name, monkeypatch):
    matrix = strip(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    monkeypatch.setattr(core, "result_class", Bare)
    assert isinstance(MORE[name](matrix), (Bare, tuple))


# Methods that tensors have and arrays have not; `x.dtype.type` and the like are NumPy's.
SHARED = set(dir(np.ndarray)) | set(dir(TensorBase)) | set(dir(str)) | {"char", "dim", "numpy", "type"}
OF_TENSORS = set(dir(torch.Tensor)) - SHARED


def find_methods_of_tensors(source):
    """Where `source` asks anything but a module for an attribute that only tensors have."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {"xp", "array_module"} | {(x.asname or x.name).split(".")[0] for node in imports for x in node.names}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in OF_TENSORS:
            names = [x.id for x in ast.walk(node.value) if isinstance(x, ast.Name)]
            if not modules & set(names):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", sorted(Path(torch.__file__).parent.glob("ops/*.py")), ids=lambda path: path.stem)
def test_no_file_of_ops_names_a_method_of_tensor(path):
    assert not find_methods_of_tensors(path.read_text(encoding="utf-8"))


def test_the_search_finds_a_method_of_tensor():
    assert find_methods_of_tensors("import numpy as np\nnp.exp(x) + x.exp()") == ["line 2: x.exp"]


def test_a_bare_operand_has_no_methods(monkeypatch):
    monkeypatch.setattr(core, "result_class", Bare)
    with pytest.raises(AttributeError, match="'Bare' object has no attribute 'exp'"):
        strip(torch.ones(2)).exp()
