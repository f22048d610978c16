"""Files that are written whole or not at all, and one error for files that cannot be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

LEFT_OVER = ".minigrad.tmp"  # how the files end that killed saves leave
File: TypeAlias = str | os.PathLike[str] | IO[bytes]


class SerializationError(RuntimeError):
    """A file that cannot be read or written: damaged, cut short, hostile, or of another kind."""


@contextlib.contextmanager
def replacing(f: File) -> Iterator[Any]:
    """A file to write to that takes the place of `f` in one step at the end, or never.

    It lies in the same folder, so that the step is a rename, and is on the disk before it. A
    process that is killed meanwhile leaves the old file, and perhaps a hidden `.tmp` beside it,
    which the next one takes away.
    """
    if not isinstance(f, (str, os.PathLike)):
        yield f
        return
    path = Path(f).resolve()  # a link stays one
    if not path.parent.is_dir():
        raise SerializationError(f"Parent directory {path.parent} does not exist; create it first")
    if path.is_dir():
        raise SerializationError(f"{os.fspath(f)!r} is a directory; name a file in it")
    if path.exists() and not path.is_file():  # a pipe or a device is no file to replace
        with path.open("wb") as file:
            yield file
        return
    _remove_left_over(path.parent)
    temporary, opened = _open_temporary(path)
    try:
        with opened as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                temporary.chmod(path.stat().st_mode)
            if os.name == "posix":  # while it is locked: else another save might take it for left over
                temporary.replace(path)
        if os.name != "posix":  # where no open file can be renamed
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # the folder's entry as well, where the system allows it
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _open_temporary(path: Path) -> tuple[Path, IO[bytes]]:
    """A new hidden file beside `path`, locked as long as it is open; names are cut at 255 bytes."""
    start = os.fsencode(path.name)[:200].decode(errors="ignore")
    while True:
        temporary = path.with_name(f".{start}.{os.urandom(6).hex()}{LEFT_OVER}")
        file = temporary.open("xb")
        _lock(file, wait=True)
        if temporary.exists():  # else it was taken for left over before it was locked
            return temporary, file
        file.close()


def _remove_left_over(folder: Path) -> None:
    """Remove what killed saves left in `folder`: whoever still writes holds a lock."""
    for path in folder.glob(f".*{LEFT_OVER}"):
        # An error: someone else was quicker, or it is someone else's.
        with contextlib.suppress(OSError), path.open("rb") as file:
            if _lock(file, wait=False):
                path.unlink()


def _lock(file: IO[bytes], wait: bool) -> bool:
    """Lock an open file until it is closed; False where that cannot be, as another process has it locked.

    The system forgets the locks of the dead. Without locks (Windows, some networks) nothing is taken for left over.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


@contextlib.contextmanager
def reading(f: Any) -> Iterator[None]:
    """Whatever goes wrong within is the file's fault, and is raised as a `SerializationError`."""
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
    """What to call a file in an error."""
    return repr(getattr(f, "name", None) or "the file")
