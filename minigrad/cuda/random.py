"""Seeds and states of the GPUs' random generators: each GPU has its own, and `minigrad.manual_seed` seeds them all."""

from __future__ import annotations

from typing import Any

from minigrad import random
from minigrad.backend import device_count, is_available
from minigrad.cuda.devices import current_device, index_of


def manual_seed(seed: int) -> None:
    """Seeds the generator of the current GPU. Without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.manual_seed(0)
    """
    number = random.read_seed(seed)
    if is_available():
        random.of_gpu(current_device()).manual_seed(number)


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all GPUs with `seed`. Without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.manual_seed_all(0)
    """
    number = random.read_seed(seed)
    for index in range(device_count()):
        random.of_gpu(index).manual_seed(number)


def seed() -> None:
    """Seeds the generator of the current GPU with a random number of the system; without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.seed()
    """
    if is_available():
        random.of_gpu(current_device()).seed()


def seed_all() -> None:
    """Seeds the generators of all GPUs with one random number of the system; without a GPU it does nothing.

    >>> import minigrad as torch
    >>> torch.cuda.seed_all()
    """
    if is_available():
        manual_seed_all(random.of_gpu(0).seed())


def initial_seed() -> int:
    """The seed of the generator of the current GPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.initial_seed()
    """
    return random.of_gpu(current_device()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """The state of the generator of `device`: its seed and its offset, a tensor of 16 bytes on the CPU.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.get_rng_state()
    """
    return random.of_gpu(index_of(device)).get_state()


def get_rng_state_all() -> list[Any]:
    """The states for all GPUs, in their order.

    >>> import minigrad as torch
    >>> len(torch.cuda.get_rng_state_all()) == torch.cuda.device_count()
    True
    """
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Sets the state of the generator of `device`.

    >>> import minigrad as torch
    >>> if torch.cuda.is_available():
    ...     value = torch.cuda.set_rng_state(torch.cuda.get_rng_state())
    """
    random.of_gpu(index_of(device)).set_state(new_state)


def set_rng_state_all(new_states: Any) -> None:
    """Sets the states of the generators of all GPUs, as `get_rng_state_all` returns them.

    >>> import minigrad as torch
    >>> torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())
    """
    for index, state in enumerate(new_states):
        set_rng_state(state, index)
