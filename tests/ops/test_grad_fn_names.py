"""Parameters whose public name differs from that of the function that computes the result."""

import minigrad as torch

X = torch.tensor([[2.0, 1.0], [0.0, 3.0]])


def test_the_front_door_of_linear_algebra_calls_its_matrix_input_and_linalg_calls_it_a():
    assert torch.det(input=X).tolist() == torch.linalg.det(A=X).tolist()
    assert torch.slogdet(input=X).sign.item() == torch.linalg.slogdet(A=X).sign.item() == 1
    assert torch.equal(torch.matrix_power(input=X, n=2), torch.linalg.matrix_power(A=X, n=2))


def test_swapaxes_counts_axes_and_swapdims_dims():
    assert torch.equal(torch.swapaxes(X, axis0=0, axis1=1), torch.swapdims(X, dim0=0, dim1=1))
    assert torch.equal(X.clone().swapaxes_(0, 1), X.t())


def test_vdot_calls_its_second_vector_other_and_dot_calls_it_tensor():
    assert torch.vdot(X[0], other=X[1]).item() == torch.dot(X[0], tensor=X[1]).item() == 3.0


def test_products_added_to_a_matrix_name_their_matrices():
    assert torch.equal(torch.addmm(X, mat1=X, mat2=X), X + X @ X)
    assert torch.equal(torch.baddbmm(X[None], batch1=X[None], batch2=X[None], beta=0), (X @ X)[None])
