"""``out=``: where the result goes, and what cannot receive it."""

import pytest

import minigrad as torch
from tests.refusals import refusals


def test_out_receives_the_result_and_is_returned():
    out = torch.zeros(2, 2)
    seen = out[0]
    assert torch.cat([torch.ones(1, 2), torch.ones(1, 2)], out=out) is out
    assert seen.tolist() == [1.0, 1.0]


def test_out_takes_the_shape_of_the_result():
    out = torch.zeros(0)
    torch.amax(torch.tensor([[1.0, 3.0], [2.0, 0.0]]), 1, out=out)
    assert out.tolist() == [3.0, 2.0]


X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
REFUSED = {
    "another type": (lambda: torch.mean(X, 0, out=torch.zeros(2, dtype=torch.int64)),
                     RuntimeError, "out tensor to have dtype float32, but got int64"),
    "repeated memory": (lambda: torch.cat([X], out=torch.zeros(2, 1).expand(2, 2)),
                        RuntimeError, "more than one element of the written-to tensor.*out= of cat.*clone"),
    "what is picked from": (lambda: torch.masked_select(X, X > 0, out=X),
                            RuntimeError, "written-to tensor refer to a single memory location.*out= of masked_select"),
    "what is put in order": (lambda: torch.kthvalue(X, 1, out=(X, torch.tensor(0))),
                             RuntimeError, "written-to tensor refer to a single memory location.*out= of kthvalue"),
    "an argument's memory": (lambda: torch.index_select(X, 0, torch.tensor([1, 0]), out=X),
                             RuntimeError, "written-to tensor refer to a single memory location.*out= of index_select"),
    "no tensor": (lambda: torch.sum(X, 0, out=[1.0, 2.0]), TypeError, "'out'.*not list"),
    "a gradient": (lambda: torch.sum(X.clone().requires_grad_(), 0, out=torch.zeros(2)),
                   RuntimeError, "don't support automatic differentiation"),
}  # fmt: skip


test_refused = refusals(REFUSED)


A, B = torch.tensor([4.0, 9.0]), torch.tensor([2.0, 3.0])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda out: torch.add(A, B, alpha=2, out=out), [8, 15]),
        (lambda out: torch.sub(A, B, out=out), [2, 6]),
        (lambda out: torch.mul(A, B, out=out), [8, 27]),
        (lambda out: torch.div(A, B, rounding_mode="floor", out=out), [2, 3]),
        (lambda out: torch.pow(A, 2, out=out), [16, 81]),
        (lambda out: torch.sqrt(A, out=out), [2, 3]),
        (lambda out: torch.clamp(A, 5, out=out), [5, 9]),
        (lambda out: torch.maximum(A, B, out=out), [4, 9]),
        (lambda out: torch.where(A > 5, A, B, out=out), [2, 9]),
        (lambda out: torch.matmul(torch.eye(2), A, out=out), [4, 9]),
        (lambda out: torch.mv(torch.eye(2), A, out=out), [4, 9]),
    ],
)
def test_a_function_writes_into_out(call, expected):
    out = torch.empty(2)
    assert call(out) is out
    assert out.tolist() == expected


def test_an_operand_may_receive_the_result():
    x = A.clone()
    assert torch.add(x, B, out=x) is x and x.tolist() == [6, 12]


def test_out_of_max_is_a_pair():
    values, indices = torch.empty(1), torch.empty(1, dtype=torch.int64)
    found = torch.max(A.reshape(1, 2), 1, out=(values, indices))
    assert found.values is values and (values.item(), indices.item()) == (9, 1)


@pytest.mark.parametrize("out", [torch.zeros(2), (torch.zeros(2),), [torch.zeros(2)] * 3, 3])
def test_out_of_max_refuses_all_but_a_pair(out):
    given = f"{len(out)} of them" if isinstance(out, (tuple, list)) else "(Tensor|int)"
    with pytest.raises(TypeError, match=rf"argument 'out' must be a tuple of 2 Tensors, not .*{given}"):
        torch.max(torch.ones(2, 2), 0, out=out)


def test_resizing_an_out_with_elements_warns():
    with pytest.warns(UserWarning, match=r"add\(\): an output .* was resized, from \[2\] to \[3\]"):
        torch.add(torch.ones(3), 1, out=torch.ones(2))
    assert torch.add(torch.ones(3), 1, out=torch.ones(0)).shape == (3,)  # no warning


INDEXED_WRITES = {  # out= may be the first argument, which is written to, and not the index or the source
    "index_add": lambda x, i, s, **to: torch.index_add(x, 0, i, s, **to),
    "index_copy": lambda x, i, s, **to: torch.index_copy(x, 0, i, s, **to),
    "index_reduce": lambda x, i, s, **to: torch.index_reduce(x, 0, i, s, "prod", **to),
    "put": torch.put,
    "scatter": lambda x, i, s, **to: torch.scatter(x, 0, i, s, **to),
    "scatter_add": lambda x, i, s, **to: torch.scatter_add(x, 0, i, s, **to),
    "scatter_reduce": lambda x, i, s, **to: torch.scatter_reduce(x, 0, index=i, src=s, reduce="sum", **to),
}


@pytest.mark.parametrize("name", INDEXED_WRITES)
def test_out_of_an_indexed_write_may_be_its_first_argument_alone(name):
    x, index, source = torch.tensor([1.0, 2.0]), torch.tensor([1, 0]), torch.tensor([5.0, 6.0])
    expected = INDEXED_WRITES[name](x, index, source).tolist()
    with pytest.raises(RuntimeError, match=f"single memory location.*out= of {name}"):
        INDEXED_WRITES[name](x, index, source, out=source)
    assert INDEXED_WRITES[name](x, index, source, out=x) is x and x.tolist() == expected
