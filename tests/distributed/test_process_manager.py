"""The process manager alone, without MPI: ranks that connect and leave, and the answers to MPI."""

import contextlib
import socket
import threading
import time

import pytest

from minigrad.distributed.process_manager import Manager


@contextlib.contextmanager
def run_manager(world_size, timeout=10.0):
    """The port of a running process manager; it must end by itself after its ranks have left."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=Manager(listener, world_size, timeout).run, daemon=True)
    thread.start()
    yield port
    thread.join(8)
    listener.close()
    assert not thread.is_alive()


class Rank:
    def __init__(self, port, rank, world_size):
        self.pmi, self.news = (socket.create_connection(("127.0.0.1", port), 5) for _ in range(2))
        for channel, connection in (("pmi", self.pmi), ("news", self.news)):
            say(connection, f"cmd=join channel={channel} rank={rank} world_size={world_size} host=node{rank}")
        self.files = {each: each.makefile() for each in (self.pmi, self.news)}

    def hear(self):
        return self.files[self.news].readline().strip()

    def ask(self, line):
        say(self.pmi, line)
        return self.files[self.pmi].readline().strip()

    def close(self):
        for each in (self.pmi, self.news):
            self.files[each].close()
            each.close()


def say(connection, line):
    connection.sendall(line.encode() + b"\n")


@contextlib.contextmanager
def make_world(world_size):
    """Ranks that have all joined and started."""
    with run_manager(world_size) as port, contextlib.ExitStack() as open_ones:
        ranks = [open_ones.enter_context(contextlib.closing(Rank(port, i, world_size))) for i in range(world_size)]
        assert [rank.hear() for rank in ranks] == ["start"] * world_size
        yield ranks


def test_each_request_of_mpi_is_answered():
    with make_world(2) as (first, second):
        assert first.ask("cmd=init pmi_version=1 pmi_subversion=1").startswith(
            "cmd=response_to_init rc=0 pmi_version=1"
        )
        assert first.ask("cmd=get_maxes").startswith("cmd=maxes ")
        assert first.ask("cmd=get_universe_size") == "cmd=universe_size rc=0 size=2"
        name = first.ask("cmd=get_my_kvsname")
        assert name == second.ask("cmd=get_my_kvsname")
        assert first.ask("cmd=get kvsname=x key=address") == "cmd=get_result rc=-1 msg=key_not_found"
        assert first.ask(r"cmd=put kvsname=x key=address value=a\ b=c") == "cmd=put_result rc=0 msg=success"
        assert second.ask("cmd=get kvsname=x key=address") == r"cmd=get_result rc=0 msg=success value=a\ b=c"
        assert "rc=-1" in first.ask("cmd=spawn")
        say(first.pmi, "cmd=barrier_in")
        assert second.ask("cmd=barrier_in") == "cmd=barrier_out rc=0"
        assert first.files[first.pmi].readline().strip() == "cmd=barrier_out rc=0"
        assert first.ask("cmd=finalize") == "cmd=finalize_ack rc=0"
        assert second.ask("cmd=finalize") == "cmd=finalize_ack rc=0"


def test_each_world_has_its_own_name():
    names = []
    for _ in range(2):
        with make_world(1) as (only,):
            names.append(only.ask("cmd=get_my_kvsname"))
            only.ask("cmd=finalize")
    assert names[0] != names[1]


def test_a_rank_that_disappears_ends_all():
    with make_world(3) as (first, second, third):
        second.close()
        for other in (first, third):
            assert other.hear() == "end rank 1, on node1, was killed, or ended without a word"
            assert other.files[other.pmi].readline() == ""  # the connection is closed, so MPI does not wait forever


def test_an_abort_is_sent_to_the_other_ranks():
    with make_world(2) as (first, second):
        say(second.pmi, "cmd=abort exitcode=1")
        assert first.hear() == "end rank 1, on node1, failed"


def test_barriers_do_not_wait_for_ranks_that_left():
    with make_world(3) as (first, second, third):
        say(second.news, "cmd=leave")
        say(third.news, "cmd=leave")
        say(third.news, "cmd=return")
        second.close()
        say(third.pmi, "cmd=barrier_in")
        assert first.ask("cmd=barrier_in") == "cmd=barrier_out rc=0"
        third.close()
        assert first.hear() == "end rank 2, on node2, was killed, or ended without a word"


def test_a_rank_that_left_is_not_ended_by_an_abort():
    with make_world(2) as (first, second):
        say(first.news, "cmd=leave")
        assert first.ask("cmd=get_appnum") == "cmd=appnum rc=0 appnum=0"
        say(second.pmi, "cmd=abort exitcode=1")
        second.close()
        assert first.ask("cmd=barrier_in") == "cmd=barrier_out rc=0"


def test_missing_ranks_are_named_after_the_timeout():
    with run_manager(4, timeout=0.3) as port, contextlib.closing(Rank(port, 0, 4)) as rank:
        assert rank.hear() == "end timed out: ranks 1, 2, 3 of 4 did not come to init_process_group"


@pytest.mark.parametrize(
    ("number", "size", "message"),
    [
        (1, 2, "end rank 1, on node1, has world_size 2, but rank 0 has 3"),
        (0, 3, "end two processes say that they are rank 0, on node0 and on node0"),
        (3, 3, "end rank 3, on node3, is none of 3 ranks, which are counted from 0"),
    ],
)
def test_contradicting_ranks_end_with_a_message(number, size, message):
    with run_manager(3) as port, contextlib.closing(Rank(port, 0, 3)) as rank:
        time.sleep(0.1)
        with contextlib.closing(Rank(port, number, size)) as other:
            assert rank.hear() == other.hear() == message


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1\r\nHost: node0\r\n\r", "cmd=join", "cmd=join channel=news rank=0 world_size=1",
        "cmd=join channel=news rank=-1 world_size=1 host=a", "cmd=join channel=news rank=0 world_size=x host=a",
        "cmd=join channel=other rank=0 world_size=1 host=a",
        f"cmd=join channel=pmi rank={'9' * 5000} world_size=1 host=a",
    ],
)  # fmt: skip
def test_other_connections_are_closed(line):
    with run_manager(1) as port:
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            say(stranger, line)
            assert stranger.recv(10) == b""
        with contextlib.closing(Rank(port, 0, 1)) as rank:
            assert rank.hear() == "start"
            rank.ask("cmd=finalize")


def test_the_port_is_free_after_the_start():
    with make_world(1) as (only,):
        address = only.news.getpeername()
        socket.create_server(address).close()
        only.ask("cmd=finalize")
