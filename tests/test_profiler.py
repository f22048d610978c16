"""`torch.profiler`, whose `profile` is that of autograd with PyTorch's newer options."""

from minigrad.profiler import ProfilerActivity


def test_activities_have_pytorchs_numbers():
    assert [activity.value for activity in ProfilerActivity] == [0, 2]  # 1 is XPU
