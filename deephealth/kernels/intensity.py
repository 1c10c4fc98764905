"""Changes of intensity, several at once: brightness, contrast, gamma, noise, bias field, range, normalisation.

Contract
    ``images``: B×C×D×H×W of float32, float64, float16 or bfloat16, any strides; a list of steps for every sample and
    channel. Returns a contiguous tensor of the same dtype; the arithmetic is float32 (float64 takes the reference).

    Bytes moved: 4 read and 4 written per voxel, and 4 read per set of statistics that the steps need and that does not
    follow from one known before (a contrast after a brightness needs one, a gamma that keeps mean and deviation two).

    Error: 2e-5 of the range of the values against the reference in float64, where no range is stretched by more than
    its own size. Statistics are kept in float64; the result does not depend on the number of threads. NaN in a channel
    makes all of it NaN where a step needs statistics, and stays where it is otherwise.

The steps are the classes of :mod:`deephealth.kernels.intensity_steps`. Gamma and contrast are those of batchgenerators
(Isensee et al., batchgenerators - a python framework for data augmentation, 2020); the bias field is that of Van
Leemput et al., Automated model-based tissue classification of MR images of the brain, IEEE TMI 1999.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import compiled, inlined, on_cores, version_for
from deephealth.kernels.floats import exp32, log32
from deephealth.kernels.intensity_steps import COSTLY, Instruction, Moments, Plan, Step, legendre
from deephealth.kernels.intensity_triton import triton_chain
from deephealth.kernels.philox import LANES, fill_normals

__all__ = ["Programs", "channel_moments", "intensity_chain", "reference"]

Programs = Sequence[Sequence[Sequence[Step]]]  # for each sample, for each channel, the steps in their order

_BLOCK = 4096  # values that are worked on at once: they stay in the nearest cache
_GRAIN = 64 * _BLOCK  # values per stretch


def intensity_chain(images: torch.Tensor, programs: Programs, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """Return the images after the steps of each channel.

    Args:
        images: B×C×D×H×W of floats.
        programs: ``programs[b][c]`` lists the steps for channel c of sample b; an empty list leaves it as it is.
        out: where the result goes; may be ``images``, whose untouched channels then cost nothing.

    Raises:
        DataError: the images are not B×C×D×H×W of floats, or the programs are not B×C.

    Example:
        >>> from deephealth.kernels.intensity_steps import Contrast, Linear
        >>> image = torch.arange(4.0).view(1, 1, 1, 1, 4)
        >>> intensity_chain(image, [[[Linear(2.0), Contrast(0.5)]]]).flatten().tolist()
        [1.5, 2.5, 3.5, 4.5]
    """
    _check(images, programs)
    out = torch.empty(images.shape, dtype=images.dtype, device=images.device) if out is None else out
    if out.shape != images.shape or out.dtype != images.dtype or not out.is_contiguous():
        raise DataError(
            f"out is {out.dtype} {tuple(out.shape)}, the images are {images.dtype} {tuple(images.shape)}",
            allowed="a contiguous tensor like the images",
        )
    version = version_for(images, out)
    rows = [(b, c) for b, sample in enumerate(programs) for c, steps in enumerate(sample) if images[b, c].numel()]
    for b, c in rows:
        if not programs[b][c] and out is not images:
            out[b, c].copy_(images[b, c])
    rows = [(b, c) for b, c in rows if programs[b][c]]
    if images.dtype == torch.float64 or images.requires_grad or version == "reference":
        for b, c in rows:
            out[b, c] = reference(images[b, c], programs[b][c])
    elif version == "triton":
        triton_chain(images, out, rows, [programs[b][c] for b, c in rows])
    else:
        for b, c in rows:
            _compiled_row(images[b, c], out[b, c], programs[b][c])
    return out


def reference(channel: torch.Tensor, steps: Sequence[Step]) -> torch.Tensor:
    """Return one channel, D×H×W, after its steps, one after another in plain torch; differentiable."""
    found = channel if channel.dtype == torch.float64 else channel.float()
    for step in steps:
        found = step.on(found)
    return found.to(channel.dtype)


def channel_moments(images: torch.Tensor, *, nonzero: bool = False) -> list[list[Moments]]:
    """Return the statistics of each channel of each sample, read once.

    Args:
        images: B×C×D×H×W of floats.
        nonzero: leave out values that are 0.

    Raises:
        DataError: the images are not B×C×D×H×W of floats.

    Example:
        >>> channel_moments(torch.tensor([0.0, 1, 3, 8]).view(1, 1, 1, 1, 4))[0][0].mean
        3.0
    """
    _check(images, [[()] * images.shape[1] for _ in range(len(images))] if images.ndim == 5 else ())
    return [[_row_moments(channel, nonzero) for channel in sample] for sample in images]


def _row_moments(channel: torch.Tensor, nonzero: bool) -> Moments:
    flat = channel.detach().float().contiguous().view(-1).cpu().numpy()
    return _run(flat, None, [], channel.shape, 1 + nonzero)


def _check(images: torch.Tensor, programs: Programs) -> None:
    if images.ndim != 5 or not images.is_floating_point():
        raise DataError(
            f"the images are {images.dtype} of shape {tuple(images.shape)}",
            allowed="floats, B×C×D×H×W",
            hint="images.float(); images[None] for a single sample",
        )
    sizes = [len(sample) for sample in programs]
    if sizes != [images.shape[1]] * images.shape[0]:
        raise DataError(
            f"there are programs for {len(sizes)} samples with {sorted(set(sizes))} channels, and the images are "
            f"{tuple(images.shape)}",
            allowed="a list of steps for every channel of every sample",
        )


def _compiled_row(channel: torch.Tensor, out: torch.Tensor, steps: Sequence[Step]) -> None:
    """Work through one channel: as many passes of statistics as the plan asks for, then one that writes."""
    source = channel.detach().float().contiguous().view(-1).numpy()
    direct = out.dtype == torch.float32
    target = (out if direct else torch.empty(out.shape)).view(-1)
    plan, done = Plan(), 0
    for step in steps:
        planning = step.plan(plan)
        answer: Moments | None = None
        while True:
            try:
                nonzero = planning.send(answer) if answer else next(planning)
            except StopIteration:
                break
            todo = plan.instructions[done:]
            write = any(one.code in COSTLY for one in todo)  # reading it again is cheaper than computing it again
            answer = _run(source, target.numpy() if write else None, todo, channel.shape, 1 + nonzero)
            if write:
                source, done = target.numpy(), len(plan.instructions)
    if plan.instructions[done:] or not done:
        _run(source, target.numpy(), plan.instructions[done:], channel.shape, 0)
    if not direct:
        out.copy_(target.view(out.shape))


def _run(
    source: np.ndarray,
    target: np.ndarray | None,
    instructions: Sequence[Instruction],
    shape: Sequence[int],
    statistics: int,
) -> Moments:
    """Read one channel, follow the instructions, write if there is a target, and return statistics if asked for."""
    codes = np.array([one.code for one in instructions], np.int64)
    numbers = np.zeros((len(instructions), 5), np.float32)
    for row, one in zip(numbers, instructions, strict=True):
        row[: len(one.numbers)] = one.numbers
    keys = np.array([one.key for one in instructions], np.int64)
    program, fields = (codes, numbers, keys), _fields(instructions, tuple(shape))
    written = np.empty(0, np.float32) if target is None else target

    def stretch(first: int, last: int) -> tuple[float, ...]:
        found = np.zeros(5)
        _stretch(source, written, (first, last), program, fields, statistics, found)
        return tuple(found.tolist())

    return _combined(on_cores(stretch, source.size, _GRAIN)) if source.size else Moments(0, 0.0, 0.0, 0.0, 0.0)


def _combined(parts: Sequence[Sequence[float]]) -> Moments:
    """Merge statistics of stretches (Chan et al.), each (count, mean, squares, low, high)."""
    count, mean, squares, low, high = 0.0, 0.0, 0.0, math.inf, -math.inf
    for more, its_mean, its_squares, its_low, its_high in parts:
        if more:
            delta = its_mean - mean
            count += more
            mean += delta * more / count
            squares += its_squares + delta * delta * more * (count - more) / count
            low, high = min(low, its_low), max(high, its_high)
    if math.isnan(mean):
        low = high = math.nan
    return Moments(int(count), mean, squares, low, high)


def _fields(instructions: Sequence[Instruction], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return, for the bias fields, the coefficients along W at each line (D and H), and the polynomials along W."""
    found = [one.coefficients for one in instructions if one.coefficients is not None]
    if not found:
        return np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.float32)
    most = max(one.shape[2] for one in found)
    lines = np.zeros((len(instructions), shape[0] * shape[1], most), np.float32)
    for row, one in zip(lines, instructions, strict=True):
        if one.coefficients is not None:
            i, j, k = one.coefficients.shape
            bases = legendre(shape[0], i), legendre(shape[1], j)
            row[:, :k] = np.einsum("ijk,id,jh->dhk", one.coefficients, *bases, optimize=True).reshape(-1, k)
    return lines, legendre(shape[2], most).astype(np.float32)


_ZERO = np.float32(0)


@compiled
def _stretch(source, target, span, program, fields, statistics, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    (first, last), (codes, numbers, keys), (lines, across) = span, program, fields
    block, noise = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    scratch = np.empty((4, LANES), np.uint32)
    for start in range(first, last, _BLOCK):
        count = min(_BLOCK, last - start)
        here = source[start : start + count]
        for at in range(count):
            block[at] = here[at]
        for at in range(codes.size):
            code, p = codes[at], numbers[at]
            if code == 4:
                for chunk in range(-(-count // 1024)):
                    where = noise[chunk * 1024 : chunk * 1024 + 1024]
                    fill_normals(keys[at], start // 1024 + chunk, scratch, where)
                _add_scaled(block, noise, p[0], count)
            elif code == 5:
                _bias(block, start, count, lines[at], across)
            else:
                _pointwise(code, block, count, p[0], p[1], p[2], p[3], p[4])
        if target.size:
            there = target[start : start + count]
            for at in range(count):
                there[at] = block[at]
        if statistics:
            _gather(block, count, statistics == 2, found)


@compiled
def _pointwise(code, block, count, a, b, c, d, e):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if code == 0:
        for at in range(count):
            block[at] = (block[at] - a) * b + c
    elif code == 1:
        for at in range(count):
            x = block[at]
            block[at] = (x - a) * b + c if x != _ZERO else x
    elif code == 2:
        for at in range(count):
            x = block[at]
            x = a if x < a else x
            block[at] = b if x > b else x
    else:
        for at in range(count):
            block[at] = _power((block[at] - a) * b, c) * d + e


@inlined
def _power(x, exponent):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    value = exp32(log32(x) * exponent)
    value = value if x > _ZERO else _ZERO
    return value if x == x else x  # NaN alone differs from itself


@compiled
def _add_scaled(block, noise, scale, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for at in range(count):
        block[at] += noise[at] * scale


@compiled
def _bias(block, start, count, lines, across):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    terms, width = across.shape
    at = 0
    exponent = np.empty(min(width, count), np.float32)
    while at < count:
        line, begin = (start + at) // width, (start + at) % width
        stop = min(width, begin + count - at)
        piece = block[at : at + stop - begin]  # slices: an index that may be negative is not vectorised
        for place in range(stop - begin):
            exponent[place] = _ZERO
        for term in range(terms):
            factor, polynomial = lines[line, term], across[term, begin:stop]
            for place in range(stop - begin):
                exponent[place] += factor * polynomial[place]
        for place in range(stop - begin):
            piece[place] *= exp32(exponent[place])
        at += stop - begin


@compiled
def _gather(block, count, nonzero, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Merge a block into (count, mean, squares, low, high)."""
    if nonzero:
        kept = 0
        for at in range(count):
            if block[at] != _ZERO:
                block[kept] = block[at]
                kept += 1
        count = kept
    if count == 0:
        return
    total, first = _ZERO, block[0]  # about a value of the block: a large mean costs no digits
    for at in range(count):
        total += block[at] - first
    mean = first + total / np.float32(count)
    squares = _ZERO
    for at in range(count):
        squares += (block[at] - mean) * (block[at] - mean)
    lows, highs = np.full(64, block[0]), np.full(64, block[0])
    for at in range(0, count - 63, 64):
        piece = block[at : at + 64]
        for lane in range(64):
            x = piece[lane]
            lows[lane] = x if x < lows[lane] else lows[lane]
            highs[lane] = x if x > highs[lane] else highs[lane]
    for at in range(count - count % 64, count):
        lows[0], highs[0] = min(lows[0], block[at]), max(highs[0], block[at])
    low, high = np.float64(lows.min()), np.float64(highs.max())
    before = found[0]
    delta = np.float64(mean) - found[1]
    found[0] += count
    found[1] += delta * count / found[0]
    found[2] += np.float64(squares) + delta * delta * count * before / found[0]
    found[3] = min(found[3], low) if before > 0 else low
    found[4] = max(found[4], high) if before > 0 else high
