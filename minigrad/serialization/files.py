"""Atomic writing of files, and one error class for files that cannot be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

LEFT_OVER = ".minigrad.tmp"  # suffix of the temporary files
File: TypeAlias = str | os.PathLike[str] | IO[bytes]


class SerializationError(RuntimeError):
    """A file that cannot be read or written: damaged, cut short, hostile, or of another kind."""


@contextlib.contextmanager
def write_whole(f: File) -> Iterator[Any]:
    """A context with a file to write to. If `f` is a path, it replaces `f` atomically at the end, or not at all.

    A pipe or a device is written to directly.
    """
    if not isinstance(f, (str, os.PathLike)):
        yield f
        return
    path = Path(f).resolve()  # keeps a symbolic link
    if not path.parent.is_dir():
        raise SerializationError(f"Parent directory {path.parent} does not exist; create it first")
    if path.is_dir():
        raise SerializationError(f"{os.fspath(f)!r} is a directory; name a file in it")
    is_special = path.exists() and not path.is_file()
    with path.open("wb") if is_special else _replace(path) as file:
        yield file


@contextlib.contextmanager
def _replace(path: Path) -> Iterator[IO[bytes]]:
    """A context with a new file that replaces `path` at the end.

    It is in the same folder, so that the last step is a rename, and it is synced to disk before. A killed
    process leaves the old file, and perhaps a hidden `.tmp` file, which the next save removes.
    """
    _remove_left_over(path.parent)
    temporary, opened = _open_temporary(path)
    try:
        with opened as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                temporary.chmod(path.stat().st_mode)
            if os.name == "posix":  # while it is locked, so that no other save removes it
                temporary.replace(path)
        if os.name != "posix":  # systems that cannot rename open files
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Syncs the entries of a folder to disk, if the system allows it."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _open_temporary(path: Path) -> tuple[Path, IO[bytes]]:
    """A new hidden file in the folder of `path`, locked while it is open; names are cut to 255 bytes."""
    start = os.fsencode(path.name)[:200].decode(errors="ignore")
    while True:
        temporary = path.with_name(f".{start}.{os.urandom(6).hex()}{LEFT_OVER}")
        file = temporary.open("xb")
        _lock(file, wait=True)
        if temporary.exists():  # false if another save removed it before it was locked
            return temporary, file
        file.close()


def _remove_left_over(folder: Path) -> None:
    """Removes temporary files of killed saves in `folder`; files that are being written are locked."""
    for path in folder.glob(f".*{LEFT_OVER}"):
        # An error: another process was quicker, or owns the file.
        with contextlib.suppress(OSError), path.open("rb") as file:
            if _lock(file, wait=False):
                path.unlink()


def _lock(file: IO[bytes], wait: bool) -> bool:
    """Locks an open file until it is closed; False if another process has locked it, or locks do not exist.

    The system releases the locks of a process that ends. Without locks (Windows, some network file systems) nothing
    is removed.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


@contextlib.contextmanager
def blame_file(f: Any) -> Iterator[None]:
    """A context that turns any error into a `SerializationError` about the file."""
    try:
        yield
    except (MemoryError, SerializationError):
        raise
    except Exception as error:  # a hostile file can make any part of a parser fail
        raise SerializationError(
            f"{name_of(f)} cannot be loaded: it is damaged, cut short, or was not written by "
            f"minigrad.save ({type(error).__name__}: {error}). Nothing of it was used"
        ) from error


def name_of(f: Any) -> str:
    """The name of a file in an error."""
    return repr(getattr(f, "name", None) or "the file")
