"""Methods that are imported when first used: each has a placeholder until then, and none is missing."""

import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as torch
from minigrad.autograd.core import TensorBase
from minigrad.tensor import drawing, new, storage, wide

FAMILIES = {
    "DrawingMethods": drawing.DrawingMethods,
    "NewMethods": new.NewMethods,
    "StorageMethods": storage.StorageMethods,
}


def list_methods(family):
    return {name for name in vars(family) if not name.startswith("__") and name != "_abc_impl"}


@pytest.mark.parametrize("name", FAMILIES)
def test_each_late_method_has_a_placeholder(name):
    assert list_methods(getattr(wide, name)) == list_methods(FAMILIES[name])


def test_a_placeholder_is_replaced_by_the_method_itself():
    method = torch.Tensor.new_zeros
    assert (method.__module__, method.__qualname__) == ("minigrad", "Tensor.new_zeros")
    assert pickle.loads(pickle.dumps(method)) is method
    assert "requires_grad" in inspect.signature(torch.Tensor.new_full).parameters
    assert torch.ones(2).new_zeros(3).shape == (3,)


@pytest.mark.parametrize("name", ["uniform_", "new_full", "set_", "type", "detach_", "fill_", "zero_", "item"])
def test_pythons_own_errors_name_the_method_of_tensor(name):
    with pytest.raises(TypeError, match=rf"Tensor\.{name}\(\) takes .* positional arguments? but 10 were given"):
        getattr(torch.ones(2), name)(*range(9))


def test_importing_minigrad_does_not_import_random_numbers():
    rooms = "('minigrad.twister', 'minigrad.tensor.storage', 'minigrad.large_arrays')"
    program = f"import sys, minigrad; print([m for m in sys.modules if m in {rooms}])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_numpy_functions_imports_each_file_that_serves_numpy():
    """Also to a program that asked for none of its functions: the rule of cumprod calls NumPy's concatenate."""
    files = sorted((Path(torch.__file__).parent / "ops").glob("*.py"))
    families = [f"minigrad.ops.{f.stem}" for f in files if re.search(r"twin_of\(np\.", f.read_text("utf-8"))]
    assert {"minigrad.ops.join", "minigrad.ops.masks"} <= set(families)
    program = f"import sys, minigrad.tensor.numpy_functions; print([m for m in {families} if m not in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


# Attributes and conversions to Python: they are called too often for a check.
UNCHECKED = {
    "adjoint", "contiguous", "cpu", "cuda", "data_ptr", "detach", "dim", "element_size", "is_contiguous",
    "is_inference", "is_pinned", "is_set_to", "is_shared", "item", "ndimension", "numpy", "requires_grad_",
    "retain_grad", "size", "storage_offset", "stride", "to", "tolist", "where",
}  # fmt: skip
METHODS = [
    name for name in dir(torch.Tensor) if callable(getattr(torch.Tensor, name, None)) and not name.startswith("_")
]


@pytest.mark.parametrize("name", sorted({*METHODS} - UNCHECKED - {"bump_version", *TensorBase.__slots__}))
def test_each_method_refuses_a_number_as_self(name):
    with pytest.raises(TypeError):
        getattr(torch.Tensor, name)(3)


def test_hardshrink_and_prelu_are_methods_too():
    x = torch.tensor([[-1.0, 0.25, 2.0]])
    assert x.hardshrink().tolist() == [[-1.0, 0.0, 2.0]] and torch.equal(x.hardshrink(0.1), x)
    assert x.prelu(torch.tensor([0.5])).tolist() == [[-0.5, 0.25, 2.0]]
    with pytest.raises(RuntimeError, match="Mismatch of parameter numbers and input channel size"):
        x.prelu(torch.ones(2))


def test_is_set_to_takes_a_tensor():
    with pytest.raises(TypeError, match=r"is_set_to\(\): argument 'tensor' \(position 1\) must be Tensor, not int"):
        torch.ones(1).is_set_to(0)
    with pytest.raises(TypeError, match=r"nan_to_num.*'nan'"):
        torch.nan_to_num(torch.tensor([1]), (0, 1))
