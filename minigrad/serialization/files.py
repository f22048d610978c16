"""Files that are written whole or not at all, and one error for files that cannot be read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import IO, Any, TypeAlias

File: TypeAlias = str | os.PathLike[str] | IO[bytes]


class SerializationError(RuntimeError):
    """A file that cannot be read or written: damaged, cut short, hostile, or of another kind."""


@contextlib.contextmanager
def replacing(f: File) -> Iterator[Any]:
    """A file to write to that takes the place of `f` in one step at the end, or never.

    It lies in the same folder, so that the step is a rename, and is on the disk before it. A
    process that is killed meanwhile leaves the old file, and perhaps a hidden `.tmp` beside it.
    """
    from pathlib import Path  # here, so that `import minigrad` need not wait for it

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
    temporary = path.with_name(f".{path.name[:200]}.{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
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
