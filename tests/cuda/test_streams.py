"""Streams and events: on which of them work runs, and in what order."""

import pytest

from minigrad import cuda, ones
from minigrad.cuda import streams


@pytest.mark.usefixtures("stand_in")
class TestStreams:
    def test_work_goes_to_the_chosen_stream(self):
        side = cuda.Stream()
        assert cuda.current_stream().stream is cuda.default_stream().stream
        with cuda.stream(side):
            assert cuda.current_stream().stream is side.stream
        assert cuda.current_stream().stream is not side.stream

    def test_events_order_and_time_streams(self):
        side, start, end = cuda.Stream(), cuda.Event(True), cuda.Event(True)
        start.record()
        end.record(side)
        side.wait_event(start)
        side.wait_stream(cuda.default_stream())
        side.synchronize()
        end.synchronize()
        assert end.query() and side.query() and start.elapsed_time(end) > 0
        cuda.set_stream(cuda.default_stream())

    def test_each_gpu_has_streams_of_its_own(self):
        first, second = cuda.Stream(0), cuda.Stream(1)
        with cuda.stream(first), cuda.stream(second):
            assert cuda.current_device() == 1
            assert cuda.current_stream() == second and cuda.current_stream(0) == first
        assert cuda.current_stream(1) == cuda.default_stream(1) != cuda.default_stream(0)
        assert cuda.current_device() == 0

    def test_a_mark_belongs_to_the_gpu_whose_stream_records_it_first(self):
        first, second = cuda.Stream(0), cuda.Stream(1)
        mark = second.record_event()
        first.wait_event(mark)
        first.wait_stream(second)
        with cuda.stream(second):
            mark.record()
        cuda.default_stream(1).record_event(mark)
        with pytest.raises(RuntimeError, match="cudaErrorInvalidResourceHandle"):
            mark.record(first)

    def test_an_event_that_was_not_recorded_lets_all_pass(self):
        mark = cuda.Event()
        mark.wait()
        mark.synchronize()
        assert mark.query()

    def test_times_need_two_recorded_events_that_measure_it(self):
        start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        start.record()
        with pytest.raises(ValueError, match="Both events must be recorded before calculating elapsed time"):
            start.elapsed_time(end)
        with pytest.raises(ValueError, match="Both events must be created with argument 'enable_timing=True'"):
            start.elapsed_time(cuda.Event())

    def test_one_context_may_be_entered_twice(self):
        side = cuda.Stream(1)
        context = cuda.stream(side)
        assert type(context) is cuda.StreamContext
        with context, context:
            assert cuda.current_stream() == side
        assert cuda.current_stream() == cuda.default_stream() and cuda.current_device() == 0


@pytest.mark.usefixtures("stand_in")
class TestMemoryOfSeveralStreams:
    def test_memory_is_held_until_the_other_stream_has_passed(self, monkeypatch):
        """A loader's stream makes a batch, which the main stream reads: it must not be overwritten meanwhile."""
        passed = []
        monkeypatch.setattr(cuda.Event, "query", lambda event: event in passed)
        before, side = cuda.memory_allocated(), cuda.Stream()
        with cuda.stream(side):
            batch = ones(256, device="cuda")
        batch.record_stream(cuda.current_stream())
        batch.record_stream(side)  # two streams, one memory
        part = batch[:2]
        del batch
        cuda.empty_cache()
        assert cuda.memory_allocated() - before == 1024  # of the view
        del part
        cuda.empty_cache()
        assert cuda.memory_allocated() - before == 1024  # of work that was not done yet
        marks = [mark for use in streams._uses.values() for mark in use.marks]
        assert len(marks) == 2
        passed += marks
        cuda.empty_cache()
        assert cuda.memory_allocated() == before

    def test_what_is_no_stream_or_on_the_cpu_is_refused(self):
        with pytest.raises(TypeError, match=r"expected a torch\.cuda\.Stream, got NoneType"):
            ones(1, device="cuda").record_stream(None)
        with pytest.raises(RuntimeError, match="a tensor on the CPU is used by no stream"):
            ones(1).record_stream(cuda.current_stream())
