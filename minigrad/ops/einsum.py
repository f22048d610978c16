"""`einsum`: products of tensors in Einstein's summation notation. The gradients are `einsum` too."""

from __future__ import annotations

from functools import reduce
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from minigrad.autograd.core import Tensor, TensorBase
from minigrad.autograd.failed_calls import names_options
from minigrad.autograd.recording import operation
from minigrad.backend import KERNELS, array_module
from minigrad.dtypes import promote_pair
from minigrad.half_precision import HALF, widen
from minigrad.ops.arguments import as_int, axis, read_tensors, takes_out
from minigrad.ops.complaints import not_implemented_for
from minigrad.ops.copies import cast, in_rows
from minigrad.ops.diagonal import diagonal
from minigrad.ops.grad_fn_names import name_last_call
from minigrad.ops.matmul import matmul
from minigrad.ops.reduce import sum
from minigrad.ops.shape import permute, reshape
from minigrad.shown_values import show_value

FEW = 2**14  # multiplications that NumPy makes at once


def _einsum_forward(*operands: Any, inputs: Any, output: str) -> Any:
    xp = array_module(operands[0])
    equation = ",".join(inputs) + "->" + output
    lengths: dict[str, int] = {}
    for letters, x in zip(inputs, operands, strict=True):
        lengths.update(zip(letters, x.shape, strict=True))
    # Without its path optimizer, which takes longer than a small product, NumPy multiplies all operands at once, and
    # uses no BLAS.
    large = len(operands) > 1 and prod(lengths.values()) > FEW
    multiply: Any = np.einsum if xp is np else KERNELS.get(np.einsum, xp.einsum)
    options = {"optimize": True} if large else {}
    if xp is np and operands[0].dtype is HALF:  # NumPy's own loops for it are slow, as in `multiply_matrices`
        made = multiply(equation, *map(widen, operands), **options).astype(HALF)
    else:
        made = multiply(equation, *operands, **options)
    sums = len({*"".join(inputs)}) > len(output)
    return in_rows(made) if sums else made  # matrix products are row-major, products of elements keep the order


def _einsum_rule(g: Any, i: int, others: Any, inputs: Any, output: str) -> Any:
    # Every letter of operand i stands in the output or in another operand: its gradient is their einsum.
    letters = [s for k, s in enumerate(inputs) if k != i]
    return _einsum(g, *others, inputs=(output, *letters), output=inputs[i])


_einsum = operation("einsum", _einsum_forward, _einsum_rule, shown="ViewBackward0")


@names_options
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Multiply and sum by letters: ``einsum('ij,jk->ik', A, B)`` is the matrix product.

    A letter names an axis; letters missing after the arrow are summed; ``...`` stands for axes that broadcast.
    Raises RuntimeError for letters that do not fit the shapes.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.einsum.html

    >>> import minigrad as torch
    >>> torch.einsum("i,j->ij", torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if not isinstance(equation, str):
        equation, operands = _spell_sublists(equation, operands)
    elif not operands:
        raise ValueError(f"einsum(): an equation and operands, or operands and their subscripts; got only {equation!r}")
    operands = tuple(read_tensors("einsum", operands))
    inputs, output, length = _parse(equation, operands)
    typed = _agree_on_type(operands, inputs, output)
    terms = [_take_diagonals(x, own, i) for i, (x, own) in enumerate(zip(typed, inputs, strict=True))]
    if len(terms) == 1:
        only, letters = _sum_alone(terms, 0, output)
        seen = permute(only, [letters.index(letter) for letter in output])
        return seen if only.writes is operands[0].writes else name_last_call(seen, "SumBackward1")
    terms = [_drop_ones(x, own, length, output) for x, own in terms]
    terms = [_sum_alone(terms, i, output) for i in range(len(terms))]
    return _einsum(*[x for x, _ in terms], inputs=tuple([own for _, own in terms]), output=output)


def _agree_on_type(operands: Any, inputs: list[str], output: str) -> list[Any]:
    """The operands in one dtype: the common one if no axis is summed over, the last one's if an axis is empty.

    Raises RuntimeError for different dtypes in a matrix product, NotImplementedError if it begins with bools.
    """
    types = sorted({str(x.array.dtype) for x in operands})
    if len(types) < 2 and types != ["bool"]:
        return list(operands)
    axes: list[tuple[str, int]] = []  # the letter and length of each axis; those of a diagonal count once
    for own, x in zip(inputs, operands, strict=True):
        axes.extend({*zip(own, x.array.shape, strict=True)})
    long = [letter for letter, n in axes if n != 1]
    if not any(long.count(letter) > 1 for letter in set(long) - set(output)):
        common = reduce(promote_pair, [x.array.dtype for x in operands])
    elif any(n == 0 for _, n in axes):
        common = operands[-1].array.dtype
    elif operands[0].array.dtype.kind == "b":
        raise not_implemented_for("einsum", operands[0].array.dtype)
    else:
        raise RuntimeError(f"einsum: expected operands of one dtype, got {types}; convert with .to(other.dtype)")
    return [cast(x, common) for x in operands]


def _drop_ones(x: Any, letters: str, length: dict[str, int], output: str) -> tuple[Any, str]:
    """Drops axes of length 1 whose letter another operand has at full length, or the result does not have."""
    shape = x.array.shape
    kept = [d for d, c in enumerate(letters) if shape[d] != 1 or (length[c] == 1 and c in output)]
    if len(kept) == len(shape):
        return x, letters
    return reshape(x, [shape[d] for d in kept]), "".join([letters[d] for d in kept])


def _sum_alone(terms: list[tuple[Any, str]], i: int, output: str) -> tuple[Any, str]:
    """Operand `i`, summed over the letters that no other operand and no output has."""
    x, letters = terms[i]
    elsewhere = set(output).union(*[own for k, (_, own) in enumerate(terms) if k != i])
    alone = [d for d, letter in enumerate(letters) if letter not in elsewhere]
    if not alone:
        return x, letters
    return sum(x, alone), "".join(letter for letter in letters if letter in elsewhere)


def _spell_sublists(first: Any, rest: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Translates ``einsum(A, [0, 1], B, [1, 2], [0, 2])`` into letters."""
    if any(isinstance(x, str) for x in rest):
        raise TypeError("einsum(): the equation comes first, as einsum('ij,jk->ik', x, y); got a tensor before it")
    given = (first, *rest)
    lists = (*given[1::2], given[-1])  # of each operand, and of the result
    for x in lists:
        if not isinstance(x, (tuple, list)):
            form = "einsum(A, [0, 1], B, [1, 2], [0, 2]), or einsum('ij,jk->ik', A, B)"
            raise TypeError(
                f"einsum(): after each operand its subscripts are due, in a list: {form}; got {show_value(x)}"
            )
    spelt, count = [_spell(x) for x in lists], len(given) // 2
    inputs = ",".join(spelt[:count])
    equation = f"{inputs}->{spelt[-1]}" if len(given) % 2 else inputs
    return equation, given[: 2 * count : 2]


def _spell(subscripts: Any) -> str:
    """The letters for a list of numbers and `...`."""
    for n in subscripts:
        if n is not Ellipsis and not 0 <= n < len(ascii_letters):
            raise ValueError(f"einsum(): subscripts in a list are `...` and numbers from 0 to 51, got {show_value(n)}")
    return "".join(["..." if n is Ellipsis else ascii_letters[n] for n in subscripts])


def _parse(equation: str, operands: Any) -> tuple[list[str], str, dict[str, int]]:
    """The letters of every operand and of the output, ``...`` replaced by unused letters; and their lengths."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs, batch = _read_inputs(equation, left.split(","), operands)
    joined = "".join(inputs)
    unpaired = sorted(c for c in set(joined) - set(batch) if joined.count(c) == 1)
    output = right.replace("...", batch) if arrow else batch + "".join(unpaired)
    for c in output:
        if output.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output of '{equation}'")
        if c not in joined:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in an operand of '{equation}'")
    return inputs, output, _match_lengths(inputs, operands)


def _read_inputs(equation: str, terms: list[str], operands: Any) -> tuple[list[str], str]:
    """The letters of every operand, and the letters that replace ``...``, as many as the longest of these needs."""
    if len(terms) != len(operands):
        which = "more operands were provided" if len(terms) < len(operands) else "fewer operands were provided"
        counts = f"'{equation}' names {len(terms)}, got {len(operands)}"
        raise RuntimeError(f"einsum(): {which} than specified in the equation: {counts}")
    named = [len(term.replace("...", "")) for term in terms]
    widths = [x.array.ndim - n for x, n in zip(operands, named, strict=True)]  # of ``...``
    widest = max([width for width, term in zip(widths, terms, strict=True) if "..." in term], default=0)
    batch = "".join([c for c in ascii_letters if c not in equation][: max(widest, 0)])
    inputs = []
    for i, (term, width) in enumerate(zip(terms, widths, strict=True)):
        if width < 0 or (width and "..." not in term):
            shape = tuple(operands[i].array.shape)
            ranks = f"({named[i]}) does not match the number of dimensions ({len(shape)})"
            cure = "each axis has a letter, or ... stands for several"
            detail = f"the number of subscripts in '{term}' {ranks} of operand {i}, of shape {shape}; {cure}"
            raise RuntimeError(f"einsum(): {detail}")
        inputs.append(term.replace("...", batch[len(batch) - width :] if width else "", 1))
        if not all(c in ascii_letters for c in inputs[-1]):
            raise RuntimeError(f"einsum(): invalid subscript given in '{equation}': subscripts must be in [a-zA-Z]")
    return inputs, batch


def _match_lengths(inputs: list[str], operands: Any) -> dict[str, int]:
    """The length of each letter's axis; a length of 1 broadcasts."""
    length: dict[str, int] = {}
    for i, (term, x) in enumerate(zip(inputs, operands, strict=True)):
        for letter, n in zip(term, x.array.shape, strict=True):
            known = length.setdefault(letter, n)
            if known not in (n, 1) and n != 1:
                detail = f"has size {n} for operand {i} which does not broadcast with previously seen size {known}"
                pairs = zip(inputs, operands, strict=True)
                shapes = ", ".join([f"'{own}' of shape {tuple(y.array.shape)}" for own, y in pairs])
                raise RuntimeError(f"einsum(): subscript {letter} {detail}: {shapes}")
            length[letter] = n if known == 1 else known
    return length


def _take_diagonals(x: Any, letters: str, operand: int) -> tuple[Any, str]:
    """Takes the diagonal of axes that share a letter: ``ii`` becomes ``i``, a view."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            n, m = x.array.shape[first], x.array.shape[second]
            if n != m:
                detail = f"is repeated for operand {operand} but the sizes don't match, {m} != {n}"
                raise RuntimeError(f"einsum(): subscript {letter} {detail}")
            x = diagonal(x, 0, first, second)
            letters = "".join(c for d, c in enumerate(letters) if d not in (first, second)) + letter
    return x, letters


@takes_out
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Multiply and sum over the last `dims` axes of `a` and the first of `b`, or over two lists of axes.

    >>> import minigrad as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 2), dims=1)
    tensor([[3., 3.],
            [3., 3.]])
    """
    left, right = _read_pairs(dims, a.array.ndim, b.array.ndim)
    for i, j in zip(left, right, strict=True):
        m, n = a.array.shape[i], b.array.shape[j]
        if m == 1 != n:  # an axis of length 1 broadcasts: sum the other first
            b = cast(sum(b, j, True), b.array.dtype)
        elif n == 1 != m:
            a = cast(sum(a, i, True), a.array.dtype)
        elif m != n:
            sizes = f"first has size {m} in dim {i} and second has size {n} in dim {j}"
            raise RuntimeError(f"contracted dimensions need to match, but {sizes}")
    keep_a = [d for d in range(a.array.ndim) if d not in left]
    keep_b = [d for d in range(b.array.ndim) if d not in right]
    rows, columns = [a.array.shape[d] for d in keep_a], [b.array.shape[d] for d in keep_b]
    inner = prod(a.array.shape[d] for d in left)
    x = reshape(permute(a, keep_a + left), prod(rows), inner)  # (rows..., inner...) -> (n, m)
    y = reshape(permute(b, right + keep_b), inner, prod(columns))  # (inner..., columns...) -> (m, p)
    return reshape(matmul(x, y), rows + columns)


def _read_list(dims: Any, name: str) -> list[Any]:
    """`dims` as a list. Raises TypeError for a single number."""
    if not isinstance(dims, (tuple, list)):
        hint = f"write dims=([i], [j]) for the axes i and j, got {show_value(dims)}"
        raise TypeError(f"tensordot(): argument '{name}' must be tuple of ints, not {type(dims).__name__}; {hint}")
    return list(dims)


def _read_pairs(dims: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of the first operand that `tensordot` sums over, and those of the second."""
    if isinstance(dims, TensorBase):
        dims = dims.array.tolist()
    if isinstance(dims, (tuple, list)):
        of_a, of_b = dims
        left, right = _read_list(of_a, "dims_self"), _read_list(of_b, "dims_other")
    else:
        count = as_int(dims, "dims")
        if count < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={count}")
        if count > min(a_ndim, b_ndim):
            ranks = f"tensors with {a_ndim} and {b_ndim}"
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={count} for {ranks}")
        left, right = list(range(a_ndim - count, a_ndim)), list(range(count))
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    return [axis(d, a_ndim) for d in left], [axis(d, b_ndim) for d in right]
