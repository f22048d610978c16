"""A process manager for ranks that torchrun, Python or a shell started: it does for them what mpiexec does for its own.

MPICH asks its process manager, in lines such as ``cmd=get key=...``, where the other processes can be reached (PMI
version 1: Flux RFC 13). Nothing but addresses travels here; all data goes by MPI.

Rank 0 starts this file as a separate process, and hands it the listening socket (`rendezvous.py`). Each rank connects
twice: for MPI's questions, and for news of the other ranks. When all ranks have connected they are told to start; when
one dies or aborts, the others are told to end.
https://flux-framework.readthedocs.io/projects/flux-rfc/en/latest/spec_13.html
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import socket
import sys
import time

PMI, NEWS = "pmi", "news"  # the two connections of a rank
LONGEST = 1 << 16  # bytes of a line
LAST_WORDS = 5.0  # seconds for those who were told to end
_FIELD = re.compile(r"([\w-]+)=((?:\\.|\S)*)")  # a backslash keeps a space inside a value


class Peer:
    """A connection; `rank` is -1 until it has said whose it is."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.rank, self.channel, self.host = connection, -1, "", ""
        self._begun = b""

    def say(self, line: str) -> None:
        """Sends a line; a lost connection is noticed when reading."""
        with contextlib.suppress(OSError):
            self.connection.sendall(line.encode() + b"\n")

    def hear(self) -> list[str] | None:
        """The received lines; None at the end of the connection."""
        data = b""
        with contextlib.suppress(OSError):
            data = self.connection.recv(LONGEST)
        *lines, self._begun = (self._begun + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines] if data and len(self._begun) < LONGEST else None


class Manager:
    """The process manager of one world."""

    def __init__(self, listener: socket.socket, world_size: int, timeout: float) -> None:
        self._listener, self._world_size = listener, world_size
        self._deadline: float | None = time.monotonic() + timeout  # for all to connect, or to end
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._peers: dict[tuple[str, int], Peer] = {}
        self._connections = 0
        self._started, self._ended = False, ""  # the reason for ending all
        self._left: set[int] = set()  # ranks that have left in order
        self._in_barrier: set[int] = set()
        self._name = f"minigrad_{os.urandom(8).hex()}"  # MPI uses it in the name of its shared memory
        self._values: dict[str, str] = {}  # MPI's key-value store

    def run(self) -> None:
        """Serves the ranks until all have ended."""
        while self._connections or not (self._started or self._ended):
            wait = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            ready = self._selector.select(wait)
            if not ready and (self._ended or self._started):
                return  # only connections that are no ranks
            if not ready:
                self._end_all(f"timed out: {self._name_missing()} did not come to init_process_group")
            for key, _ in ready:
                if key.data is None:
                    self._accept()
                else:
                    self._listen_to(key.data)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # the connecting process has ended, or is too late
            return
        self._connections += 1
        self._selector.register(connection, selectors.EVENT_READ, Peer(connection))

    def _listen_to(self, peer: Peer) -> None:
        lines = peer.hear()
        for line in lines or []:
            fields = dict(_FIELD.findall(line))
            if peer.rank < 0 and not _introduces_rank(fields):
                lines = None
                break
            if peer.rank < 0:
                self._join(peer, fields)
            elif peer.channel == PMI:
                self._answer(peer, fields)
            elif fields.get("cmd") == "leave":
                self._left.add(peer.rank)
            elif fields.get("cmd") == "return":
                self._left.discard(peer.rank)
        if lines is None:
            self._close(peer)

    # ---- connections -------------------------------------------------------------------------------

    def _join(self, peer: Peer, fields: dict[str, str]) -> None:
        """Accepts ``cmd=join channel=news rank=1 world_size=4 host=node7``; a contradiction ends all ranks."""
        peer.channel, peer.host = fields["channel"], fields["host"]
        rank, size = int(fields["rank"]), int(fields["world_size"])
        other = self._peers.get((peer.channel, rank))
        if size != self._world_size:
            self._end_all(f"rank {rank}, on {peer.host}, has world_size {size}, but rank 0 has {self._world_size}")
        elif rank >= size:
            self._end_all(f"rank {rank}, on {peer.host}, is none of {size} ranks, which are counted from 0")
        elif other is not None:
            self._end_all(f"two processes say that they are rank {rank}, on {other.host} and on {peer.host}")
        if self._ended:
            peer.say(f"end {self._ended}")
            return
        peer.rank = rank
        self._peers[peer.channel, rank] = peer
        if len(self._peers) == 2 * self._world_size:
            self._start()

    def _start(self) -> None:
        """Starts all ranks when all are connected, and closes the port."""
        self._started, self._deadline = True, None
        self._selector.unregister(self._listener)
        self._listener.close()
        for peer in self._find_staying(NEWS):
            peer.say("start")

    def _name_missing(self) -> str:
        missing = [str(rank) for rank in range(self._world_size) if (NEWS, rank) not in self._peers]
        return f"rank{'s' if len(missing) > 1 else ''} {', '.join(missing)} of {self._world_size}"

    def _close(self, peer: Peer) -> None:
        """Called at the end of a connection: unless the process left in order, ends all ranks."""
        self._connections -= 1
        self._selector.unregister(peer.connection)
        peer.connection.close()
        if peer.rank < 0:
            return
        del self._peers[peer.channel, peer.rank]
        if peer.rank not in self._left:
            what = "was killed, or ended without a word" if self._started else "ended before all had come"
            self._end_all(f"rank {peer.rank}, on {peer.host}, {what}")
        self._left.add(peer.rank)
        self._in_barrier.discard(peer.rank)
        self._open_barrier()
        if not self._peers:
            self._deadline = time.monotonic() + LAST_WORDS

    def _find_staying(self, channel: str) -> list[Peer]:
        return [peer for peer in self._peers.values() if peer.channel == channel and peer.rank not in self._left]

    def _end_all(self, reason: str) -> None:
        """Tells all ranks to end, with the reason; ranks that wait inside MPI lose their connection."""
        if self._ended:
            return
        self._ended, self._deadline = reason, time.monotonic() + LAST_WORDS
        for peer in self._find_staying(NEWS):
            peer.say(f"end {reason}")
        for peer in self._find_staying(PMI):
            with contextlib.suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)

    # ---- MPI's questions -----------------------------------------------------------------------------

    def _answer(self, peer: Peer, fields: dict[str, str]) -> None:
        command = fields.get("cmd")
        if command == "abort":
            self._left.add(peer.rank)
            self._end_all(f"rank {peer.rank}, on {peer.host}, failed")
        elif command == "barrier_in":
            self._in_barrier.add(peer.rank)
            self._open_barrier()
        elif command == "put":
            self._values[fields["key"]] = fields["value"]
            peer.say("cmd=put_result rc=0 msg=success")
        elif command == "get":
            value = self._values.get(fields["key"])
            found = "rc=-1 msg=key_not_found" if value is None else f"rc=0 msg=success value={value}"
            peer.say(f"cmd=get_result {found}")
        elif command == "finalize":
            self._left.add(peer.rank)
            peer.say("cmd=finalize_ack rc=0")
        else:
            peer.say(self._facts.get(command or "", f"cmd={command} rc=-1 msg=unknown_command"))

    @property
    def _facts(self) -> dict[str, str]:
        return {
            "init": "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1",
            "get_maxes": "cmd=maxes rc=0 kvsname_max=64 keylen_max=64 vallen_max=1024",
            "get_appnum": "cmd=appnum rc=0 appnum=0",
            "get_universe_size": f"cmd=universe_size rc=0 size={self._world_size}",
            "get_my_kvsname": f"cmd=my_kvsname rc=0 kvsname={self._name}",
        }

    def _open_barrier(self) -> None:
        """Releases the waiting ranks when all ranks that are left have reached the barrier."""
        if self._in_barrier and len(self._in_barrier | self._left) == self._world_size:
            for rank in self._in_barrier:
                self._peers[PMI, rank].say("cmd=barrier_out rc=0")
            self._in_barrier.clear()


def _introduces_rank(fields: dict[str, str]) -> bool:
    """Whether a line is ``cmd=join channel=news rank=1 world_size=4 host=node7``: other connections are no ranks'."""
    are_numbers = all(re.fullmatch(r"[0-9]{1,9}", fields.get(name, "")) for name in ("rank", "world_size"))
    return are_numbers and fields.get("cmd") == "join" and fields.get("channel") in (PMI, NEWS) and "host" in fields


def main() -> None:
    """``process_manager.py WORLD_SIZE SECONDS``: for so many, who all come within that time; standard input listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the ranks
    Manager(socket.socket(fileno=0), int(sys.argv[1]), float(sys.argv[2])).run()


if __name__ == "__main__":
    main()
