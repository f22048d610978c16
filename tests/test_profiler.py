"""`torch.profiler`, whose `profile` is that of autograd with PyTorch's newer options: steps, schedules and handlers."""

import gzip
import json

import pytest

import minigrad as torch
from minigrad.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)


def test_activities_and_actions_have_pytorchs_numbers():
    assert [activity.value for activity in ProfilerActivity] == [0, 2]  # 1 is XPU
    assert [action.name for action in ProfilerAction] == ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"]
    assert [action.value for action in ProfilerAction] == [0, 1, 2, 3]
    assert supported_activities() - {ProfilerActivity.CUDA} == {ProfilerActivity.CPU}


@pytest.mark.parametrize(
    ("options", "letters"),
    [
        ({"wait": 1, "warmup": 1, "active": 2}, "NWRSNWRSNWRS"),
        ({"wait": 1, "warmup": 1, "active": 2, "repeat": 1}, "NWRSNNNNNNNN"),
        ({"wait": 0, "warmup": 1, "active": 1, "repeat": 2}, "WSWSNNNNNNNN"),
        ({"wait": 2, "warmup": 1, "active": 1, "skip_first": 3}, "NNNNNWSNNWSN"),
        ({"wait": 2, "warmup": 1, "active": 1, "skip_first": 3, "skip_first_wait": 1}, "NNNWSNNWSNNW"),
        ({"wait": 2, "warmup": 1, "active": 1, "repeat": 1, "skip_first": 3, "skip_first_wait": 1}, "NNNWSNNNNNNN"),
    ],
)
def test_a_schedule_chooses_what_pytorchs_does(options, letters):
    chosen = schedule(**options)
    assert "".join("NWRS"[chosen(step).value] for step in range(12)) == letters


def test_the_steps_of_a_cycle_are_recorded_and_handed_over():
    seen = []

    def note(prof):
        seen.append((prof.step_num, {event.key: event.count for event in prof.key_averages()}))

    with profile(schedule=schedule(wait=1, warmup=1, active=2), on_trace_ready=note) as prof:
        for step in range(9):
            torch.ones(2) * step
            if step == 7:
                torch.ones(2).exp()
            prof.step()
    counts = {"ProfilerStep*": 2, "aten::mul": 2}
    assert seen == [(4, counts), (8, counts | {"aten::exp": 1})]
    assert prof.events()[0].name == "ProfilerStep#6"  # of the last cycle, after the end too


def test_a_cycle_that_the_end_cuts_is_handed_over_and_one_that_warms_up_is_not():
    for steps, handed in [(2, 0), (3, 1)]:
        seen = []
        prof = profile(schedule=schedule(wait=1, warmup=1, active=5), on_trace_ready=seen.append)
        prof.start()
        for _ in range(steps - 1):
            prof.step()
        torch.ones(2) * 2
        prof.stop()
        assert len(seen) == handed and bool(prof.events()) == bool(handed)


def test_without_a_schedule_all_steps_are_one_record():
    seen = []
    with profile(on_trace_ready=seen.append) as prof:
        for _ in range(3):
            torch.ones(2).exp()
            prof.step()
    assert seen == [prof] and [event.count for event in prof.key_averages() if event.key == "aten::exp"] == [3]


def test_a_schedule_of_ones_own_that_forgets_to_save_is_warned_of():
    actions = [ProfilerAction.RECORD, ProfilerAction.NONE]
    with profile(schedule=actions.__getitem__) as prof:
        with pytest.warns(UserWarning, match="Incorrect schedule: RECORD followed by NONE"):
            prof.step()
        torch.ones(2).exp()
    assert [event.name for event in prof.events()] == ["ProfilerStep#0"]


@pytest.mark.parametrize("use_gzip", [False, True])
def test_traces_are_written_to_the_folder(tmp_path, use_gzip):
    with profile(on_trace_ready=tensorboard_trace_handler(tmp_path / "log", "worker", use_gzip)):
        torch.ones(2).exp()
    (file,) = (tmp_path / "log").iterdir()
    assert file.name.startswith("worker.") and file.name.endswith(".pt.trace.json" + ".gz" * use_gzip)
    read = gzip.decompress if use_gzip else bytes
    assert [event["name"] for event in json.loads(read(file.read_bytes()))["traceEvents"]] == ["aten::exp"]


def test_wrong_schedules_are_refused():
    with pytest.raises(AssertionError, match=r"Invalid profiler schedule arguments\. .*active=0 \(need > 0\)"):
        schedule(wait=1, warmup=1, active=0)
    with pytest.raises(AssertionError, match="Step must be non-negative"):
        schedule(wait=1, warmup=1, active=1)(-1)
    with pytest.warns(UserWarning, match="won't be using warmup"):
        schedule(wait=1, warmup=0, active=1)
