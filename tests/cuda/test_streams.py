"""Streams and events: on which of them work runs, and in what order."""

import pytest

from minigrad import cuda


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
