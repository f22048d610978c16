"""What a test leaves changed is found, named, and set back."""

import minigrad as torch
from minigrad.kernels import dispatch
from minigrad.kernels.algorithms import Machine
from tests.kept_settings import read_settings, restore_settings


def test_settings_that_were_changed_are_named_and_set_back():
    before, machine, threads = read_settings(), dispatch.machine(), torch.get_num_threads()
    assert restore_settings(before) == []
    dispatch.set_machine(Machine(peak=1.0))
    torch.set_default_dtype(torch.float64)
    torch.set_printoptions(precision=2)
    torch.set_num_threads(threads + 1)
    torch.set_grad_enabled(False)
    changed = restore_settings(before)
    assert len(changed) == 5
    assert any("_machine" in one and "peak=1.0" in one for one in changed)
    assert any("_default" in one and "float64" in one for one in changed)
    assert dispatch.machine() == machine
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()
    assert "0.3333" in repr(torch.tensor(1 / 3))
    assert restore_settings(before) == []
