"""NumPy's spellings of keywords, in every function that PyTorch takes them in."""

import pytest

import minigrad as torch

X = torch.arange(6.0).reshape(2, 3)
I = torch.tensor([[0, 1, 0]])
CASES = {
    "cat": lambda **d: torch.cat([X, X], **d),
    "concat": lambda **d: torch.concat([X, X], **d),
    "stack": lambda **d: torch.stack([X, X], **d),
    "softmax": lambda **d: torch.softmax(X, **d),
    "log_softmax": lambda **d: torch.log_softmax(X, **d),
    "unsqueeze": lambda **d: torch.unsqueeze(X, **d),
    "squeeze": lambda **d: torch.squeeze(X, **d),
    "chunk": lambda **d: torch.chunk(X, 2, **d),
    "split": lambda **d: torch.split(X, 1, **d),
    "unbind": lambda **d: torch.unbind(X, **d),
    "gather": lambda **d: torch.gather(X, index=I, **d),
    "index_select": lambda **d: torch.index_select(X, index=torch.tensor([1]), **d),
    "repeat_interleave": lambda **d: torch.repeat_interleave(X, 2, **d),
    "narrow": lambda **d: torch.narrow(X, start=0, length=1, **d),
    "take_along_dim": lambda **d: torch.take_along_dim(X, I, **d),
    "scatter_add": lambda **d: torch.scatter_add(X, index=I, src=X, **d),
    "unflatten": lambda **d: torch.unflatten(X, sizes=(1, -1), **d),
    "sum": lambda **d: torch.sum(X, **d),
    "cumsum": lambda **d: torch.cumsum(X, **d),
    "sort": lambda **d: torch.sort(X, **d),
    "method softmax": lambda **d: X.softmax(**d),
    "method unbind": lambda **d: X.unbind(**d),
    "method chunk": lambda **d: X.chunk(2, **d),
    "method index_select": lambda **d: X.index_select(index=torch.tensor([1]), **d),
}


@pytest.mark.parametrize("name", CASES)
def test_axis_is_dim(name):
    call = CASES[name]
    assert str(call(axis=0)) == str(call(dim=0))


def test_keepdims_is_keepdim():
    assert torch.sum(X, axis=1, keepdims=True).shape == X.max(axis=1, keepdims=True).values.shape == (2, 1)
    with pytest.raises(TypeError):
        torch.cat([X, X], axis=0, dim=0)
