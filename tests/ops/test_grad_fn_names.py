"""Parameters whose public name differs from that of the function that computes the result."""

import pytest

import minigrad as torch

X = torch.tensor([[2.0, 1.0], [0.0, 3.0]])


def test_matrix_functions_take_input_and_those_of_linalg_take_a():
    assert torch.det(input=X).tolist() == torch.linalg.det(A=X).tolist()
    assert torch.slogdet(input=X).sign.item() == torch.linalg.slogdet(A=X).sign.item() == 1
    assert torch.equal(torch.matrix_power(input=X, n=2), torch.linalg.matrix_power(A=X, n=2))


def test_swapaxes_takes_axes_and_swapdims_takes_dims():
    assert torch.equal(torch.swapaxes(X, axis0=0, axis1=1), torch.swapdims(X, dim0=0, dim1=1))
    assert torch.equal(X.clone().swapaxes_(0, 1), X.t())


def test_vdot_takes_other_and_dot_takes_tensor():
    assert torch.vdot(X[0], other=X[1]).item() == torch.dot(X[0], tensor=X[1]).item() == 3.0


def test_addmm_and_baddbmm_name_their_matrices():
    assert torch.equal(torch.addmm(X, mat1=X, mat2=X), X + X @ X)
    assert torch.equal(torch.baddbmm(X[None], batch1=X[None], batch2=X[None], beta=0), (X @ X)[None])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (("t_", ()), "TBackward1"),
        (("transpose_", (0, 1)), "TransposeBackward1"),
        (("swapaxes_", (0, 1)), "TransposeBackward1"),
        (("unsqueeze_", (0,)), "UnsqueezeBackward1"),
        (("squeeze_", ()), "SqueezeBackward3"),
        (("squeeze_", (0,)), "SqueezeBackward4"),
        (("squeeze_", ((0, 1),)), "SqueezeBackward5"),
        (("as_strided_", ((3, 2), (1, 1))), "AsStridedBackward1"),
    ],
)
def test_shapes_changed_in_place_have_names_of_their_own(line, name):
    x = torch.ones(2, 3, requires_grad=True)
    y = x * 2
    method, options = line
    getattr(y, method)(*options)
    assert y.grad_fn.name() == name
    y.sum().backward()
    assert x.grad.sum().item() == 12
