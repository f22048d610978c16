"""The rendezvous of processes that torchrun, `multiprocessing` or a shell started, without mpiexec.

They know the address (`launch.meeting`). Rank 0 listens there, and starts the process manager that all connect to
(`process_manager.py`). When all have connected MPI starts, and finds in the environment what mpiexec would have set:
its rank, the world size, and the connection on which it asks for the rest. Only MPICH reads these variables; another
MPI raises an error. A thread remains, which ends this process when another one has failed.
As with PyTorch's rendezvous, anybody who reaches the port can take part: use it in a trusted network only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

from minigrad.distributed import launch, mpi, process_manager
from minigrad.distributed.errors import DistBackendError, DistNetworkError
from minigrad.distributed.launch import Meeting

RETRY = 0.1  # seconds between two attempts to reach rank 0, which may start later
_MPI_VARIABLES = ("PMI", "HYDI_")  # prefixes of the environment variables of a process manager
_BACKLOG = 4096  # length of the queue of connections
_member: Member | None = None


def join(meeting: Meeting, rank: int, world_size: int, timeout: float) -> None:
    """Meets the other processes and starts MPI: once in a process; later calls return to it.

    Raises DistNetworkError for a port that cannot be listened on, DistBackendError where the others do not come within
    `timeout` seconds or are not of one world, RuntimeError for an MPI that does not take part.
    """
    global _member
    if _member is not None:
        _member.come_back()
        return
    if os.name != "posix":
        raise RuntimeError(f"without mpiexec processes find each other on POSIX systems alone: mpiexec -n {world_size}")
    if "mpi4py.MPI" in sys.modules:
        raise RuntimeError("MPI was started before init_process_group, alone: import mpi4py's MPI after it")
    timeout = min(timeout, 1e6)  # a limit of the system's timers
    deadline = time.monotonic() + timeout
    if rank == 0:
        _start_manager(meeting, world_size, timeout)
    member = Member(meeting, rank, world_size, deadline)
    try:
        member.await_start(deadline)
    except BaseException:
        member.close()  # so that the others do not wait for this process
        raise
    if rank == 0 and meeting.file is not None:
        meeting.file.unlink(missing_ok=True)
    with _tell_mpi(PMI_FD=member.pmi.fileno(), PMI_RANK=rank, PMI_SIZE=world_size):
        mpi.start(world_size)
    _member = member


def leave() -> None:
    """From now on this process can end without ending the others, and vice versa."""
    if _member is not None:
        _member.leave()


class Member:
    """The two connections of this process to the process manager."""

    def __init__(self, meeting: Meeting, rank: int, world_size: int, deadline: float) -> None:
        self._name, self._left = launch.name_rank(rank, world_size), False
        hello = f"cmd=join rank={rank} world_size={world_size} host={socket.gethostname()} channel="
        self.pmi = _connect(meeting, hello + process_manager.PMI, deadline)
        self._news = process_manager.Peer(_connect(meeting, hello + process_manager.NEWS, deadline))
        self._heard: list[str] = []
        os.register_at_fork(after_in_child=self.close)  # an open copy in a child would hide the end of this process

    def await_start(self, deadline: float) -> None:
        """Waits until all have connected; then a thread ends this process when the process manager says so or ends."""
        patience = max(deadline - time.monotonic(), 0) + 5  # the process manager, which knows who is missing, is first
        self._news.connection.settimeout(patience)
        news = self._hear()
        if news != "start":
            raise DistBackendError(f"{self._name} cannot start: {news}")
        self._news.connection.settimeout(None)
        threading.Thread(target=self._watch, daemon=True).start()

    def _hear(self) -> str:
        """The next message of the process manager."""
        while not self._heard:
            lines = self._news.hear()
            if lines is None:
                return "the process manager beside rank 0 is gone, or does not answer"
            self._heard += lines
        return self._heard.pop(0).removeprefix("end ")

    def _watch(self) -> None:
        news = self._hear()
        if not self._left:
            print(f"\n{self._name} ends: {news}", file=sys.stderr, flush=True)  # noqa: T201
            mpi.forget_names_of_shared_memory()
            os._exit(1)

    def leave(self) -> None:
        """From now on this process may end without ending the others."""
        self._left = True
        self._news.say("cmd=leave")

    def come_back(self) -> None:
        """Takes part again: the end of this process ends the others, as before `leave`."""
        self._left = False
        self._news.say("cmd=return")

    def close(self) -> None:
        """Closes the connections: for the others this process has ended."""
        self.pmi.close()
        self._news.connection.close()


# ---- connecting to rank 0 ----------------------------------------------------------------------------


def _start_manager(meeting: Meeting, world_size: int, timeout: float) -> None:
    """Listens at the meeting address, and starts the process manager in a separate process, which can always answer."""
    try:
        listener = _listen(meeting)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        detail = f"{reason}. Give another MASTER_PORT to all processes, and the name of rank 0's machine as MASTER_ADDR"
        raise DistNetworkError(f"rank 0 cannot listen on port {meeting.port} of {meeting.host}: {detail}") from error
    with listener:
        silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        arguments = [sys.executable, "-IS", process_manager.__file__, str(world_size), str(timeout)]
        socket_as_input = (os.POSIX_SPAWN_DUP2, listener.fileno(), 0)
        os.posix_spawn(sys.executable, arguments, os.environ, file_actions=[socket_as_input, *silent])


def _listen(meeting: Meeting) -> socket.socket:
    found = {info[0] for info in socket.getaddrinfo(meeting.host or None, meeting.port, type=socket.SOCK_STREAM)}
    family = socket.AF_INET if socket.AF_INET in found else socket.AF_INET6
    try:
        listener = socket.create_server((meeting.host, meeting.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        listener = socket.create_server(("", meeting.port), family=family, backlog=_BACKLOG)  # another address
    if meeting.file is not None:
        written = meeting.file.with_name(f"{meeting.file.name}.{os.getpid()}")
        written.write_text(f"{socket.gethostname()} {listener.getsockname()[1]}")
        written.replace(meeting.file)  # atomic
    return listener


def _connect(meeting: Meeting, hello: str, deadline: float) -> socket.socket:
    """Connects to the process manager and sends `hello`; tries until `deadline`."""
    while True:
        fault: Exception | None = None
        try:
            connection = socket.create_connection(_read_address(meeting), timeout=5)
            if connection.getsockname() != connection.getpeername():  # the kernel may join a socket to itself
                break
        except (OSError, ValueError) as error:  # rank 0 does not listen yet, or the file is empty
            fault = error
        if time.monotonic() > deadline:
            detail = "has it come to init_process_group, and have all the same address?"
            raise DistNetworkError(f"rank 0 does not answer at {meeting} ({fault}): {detail}")
        time.sleep(RETRY)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(f"{hello}\n".encode())
    return connection


def _read_address(meeting: Meeting) -> tuple[str, int]:
    """The address of rank 0. Raises OSError or ValueError if the file does not have it yet."""
    if meeting.file is None:
        return meeting.host, meeting.port
    host, port = meeting.file.read_text().split()
    return "127.0.0.1" if host == socket.gethostname() else host, int(port)


@contextlib.contextmanager
def _tell_mpi(**variables: object) -> Iterator[None]:
    """A context with the environment variables of mpiexec; afterwards removed, because child processes are no ranks."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_MPI_VARIABLES)}
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(hidden)
