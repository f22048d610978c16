"""Functions under old names: they warn, and are found by pickle and `help` as those of the new names."""

import inspect
import pickle

import pytest

import minigrad as torch

KEPT = [
    (torch.cuda.memory_cached, torch.cuda.memory_reserved),
    (torch.nn.init.uniform, torch.nn.init.uniform_),
    (torch.nn.utils.clip_grad_norm, torch.nn.utils.clip_grad_norm_),
]


@pytest.mark.parametrize(("old", "new"), KEPT)
def test_an_old_name_has_the_signature_of_the_new_one_and_is_pickled(old, new):
    assert inspect.signature(old) == inspect.signature(new) and old.__name__ != new.__name__
    assert pickle.loads(pickle.dumps(old)) is old


def test_an_old_name_passes_its_arguments_on_and_warns():
    x = torch.empty(2)
    with pytest.warns(FutureWarning, match=r"`nn\.init\.constant` is now deprecated in favor of `nn\.init\.constant_`"):
        assert torch.nn.init.constant(x, val=3.0) is x
    assert x.tolist() == [3.0, 3.0]
