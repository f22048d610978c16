"""``torch.random``: the default generators, one for the CPU and one for each GPU, and their seeds.

The class `Generator` stands in generator.py.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.devices import device as Device
from minigrad.generator import Generator
from minigrad.missing import explain_missing

default_generator = Generator()
default_generator.seed()


_of_gpus: dict[int, Generator] = {}  # the default generators of GPUs, by number
_seed_of_gpus: int | None = None  # the last `manual_seed`, for GPUs without a generator yet


def of_gpu(index: int) -> Generator:
    """The default generator of a GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     generator = torch.random.of_gpu(0)
    """
    if index not in _of_gpus:
        made = Generator(Device("cuda", index))
        made.seed() if _seed_of_gpus is None else made.manual_seed(_seed_of_gpus)
        _of_gpus[index] = made
    return _of_gpus[index]


def source_of(generator: Any, library: Any = np) -> Generator:
    """The generator to use: the given one, or for None the default one of the device of `library`.

    A CPU generator serves every device, and its numbers are copied there; a GPU generator serves only GPUs.

    >>> import minigrad as torch
    >>> torch.random.source_of(None) is torch.default_generator
    True
    """
    if generator is None:
        return default_generator if library is np else of_gpu(library.cuda.runtime.getDevice())
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a minigrad.Generator or None, not {type(generator).__name__}")
    if library is np and generator.device.type == "cuda":
        raise RuntimeError("Expected a 'cpu' device type for generator but found 'cuda'")
    return generator


def manual_seed(seed: Any) -> Generator:
    """Seeds the default generators of the CPU and of all GPUs (an int, or anything that `int()` accepts).

    Returns the CPU's generator.

    >>> import minigrad as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    global _seed_of_gpus
    default_generator.manual_seed(read_seed(seed))
    _seed_of_gpus = default_generator.initial_seed()
    for generator in _of_gpus.values():
        generator.manual_seed(_seed_of_gpus)
    return default_generator


def read_seed(seed: Any) -> int:
    """A seed as an int. Raises what `int()` raises for other values, in words.

    >>> import minigrad as torch
    >>> torch.random.read_seed(7.0)
    7
    """
    try:
        return int(seed)
    except (TypeError, ValueError, OverflowError) as error:
        from minigrad.shown_values import show_value

        raise type(error)(f"manual_seed() takes an int, such as 42, got {show_value(seed)}") from None


def seed() -> int:
    """Seeds the default generators with a random number of the operating system, and returns it.

    >>> import minigrad as torch
    >>> torch.seed() == torch.initial_seed()
    True
    """
    return manual_seed(int.from_bytes(os.urandom(8))).initial_seed()


def initial_seed() -> int:
    """The last seed of the default generator.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(3)
    >>> torch.initial_seed()
    3
    """
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The default generator's state, a tensor of bytes.

    >>> import minigrad as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), x)
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Sets the state of the default generator, as `get_rng_state` returns it.

    >>> import minigrad as torch
    >>> torch.set_rng_state(torch.get_rng_state())
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """A context after which the default generators have their old states again; with ``enabled=False`` it does nothing.

    >>> import minigrad as torch
    >>> _ = torch.manual_seed(0)
    >>> with torch.random.fork_rng():
    ...     first = torch.rand(1)
    >>> bool(torch.rand(1) == first)
    True
    """
    states, known = keep_states() if enabled else [], set(_of_gpus)
    try:
        yield
    finally:
        restore_states(states)
        for index in set(_of_gpus) - known if enabled else ():
            del _of_gpus[index]  # it was not used before: starts from the seed again


def keep_states() -> list[tuple[Generator, Any]]:
    """The default generators of the CPU and of the GPUs that were used, with their states.

    >>> import minigrad as torch
    >>> states = torch.random.keep_states()
    >>> x = torch.rand(1)
    >>> torch.random.restore_states(states)
    >>> bool(torch.rand(1) == x)
    True
    """
    return [(generator, generator.get_state()) for generator in (default_generator, *_of_gpus.values())]


def restore_states(states: list[tuple[Generator, Any]]) -> None:
    """Restores the states that `keep_states` returned.

    >>> import minigrad as torch
    >>> torch.random.restore_states(torch.random.keep_states())
    """
    for generator, state in states:
        generator.set_state(state)


explain_missing("torch.random", globals())
