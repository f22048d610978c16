"""`torch.hub`: nothing is downloaded; parameters that lie in its folder already are loaded."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlparse

from minigrad.missing import explain_missing
from minigrad.serialization import load as load_file

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # finds the digest in a name like resnet18-5c106cde.pth; kornia imports it

_chosen: Path | None = None


def get_dir() -> str:
    """The hub's folder: that of `set_dir`, else ``$TORCH_HOME/hub``, else ``~/.cache/torch/hub``.

    >>> import minigrad as torch
    >>> torch.hub.get_dir().endswith("hub")
    True
    """
    return str((_chosen or Path(_get_torch_home()) / "hub").expanduser())


def _get_torch_home() -> str:
    """The folder of PyTorch's caches: ``$TORCH_HOME``, else ``~/.cache/torch``; torchvision asks for it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return str(Path(os.environ.get("TORCH_HOME") or cache).expanduser())


def set_dir(d: str | os.PathLike[str]) -> None:
    """Chooses the hub's folder.

    >>> import minigrad as torch
    >>> torch.hub.set_dir(torch.hub.get_dir())
    """
    global _chosen
    _chosen = Path(d)


def load_state_dict_from_url(
    url: str, model_dir: str | os.PathLike[str] | None = None, map_location: Any = None, progress: bool = True,
    check_hash: bool = False, file_name: str | None = None, weights_only: bool = True,
) -> Any:  # fmt: skip
    """Loads the file of that name from `model_dir`, by default the folder ``checkpoints`` of `get_dir`.

    Raises NotImplementedError if it is not there, because nothing is downloaded.

    >>> import minigrad as torch
    >>> torch.hub.load_state_dict_from_url("https://example.org/net.pth", "nets")
    Traceback (most recent call last):
    NotImplementedError: minigrad fetches nothing: get https://example.org/net.pth yourself, and put it to nets/net.pth
    """
    folder = Path(get_dir()) / "checkpoints" if model_dir is None else Path(model_dir)
    file = folder / (file_name or Path(urlparse(os.fspath(url)).path).name)
    if not file.is_file():
        raise _refuse(f"get {url} yourself, and put it to {file.as_posix()}")
    return load_file(file, map_location)


def download_url_to_file(url: str, dst: Any, hash_prefix: str | None = None, progress: bool = True) -> NoReturn:
    """Raises NotImplementedError: fetch the file yourself.

    >>> import minigrad as torch
    >>> torch.hub.download_url_to_file("https://example.org/net.pth", "net.pth")
    Traceback (most recent call last):
    NotImplementedError: minigrad fetches nothing: get https://example.org/net.pth yourself, and put it to net.pth
    """
    raise _refuse(f"get {url} yourself, and put it to {dst}")


def load(repo_or_dir: str, model: str, *args: Any, **options: Any) -> NoReturn:
    """Raises NotImplementedError: import the model's class from its file, and load its state_dict.

    >>> import minigrad as torch
    >>> torch.hub.load("pytorch/vision", "resnet18")
    Traceback (most recent call last):
    NotImplementedError: minigrad fetches nothing: import resnet18 from your copy of pytorch/vision, load its state_dict
    """
    raise _refuse(f"import {model} from your copy of {repo_or_dir}, load its state_dict")


def _refuse(cure: str) -> NotImplementedError:
    return NotImplementedError(f"minigrad fetches nothing: {cure}")


explain_missing("torch.hub", globals())
