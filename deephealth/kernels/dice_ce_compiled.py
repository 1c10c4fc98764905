# ruff: noqa: ANN001, ANN202 - numba types its functions
# mypy: disable-error-code="no-untyped-def"
"""Sums per class and their gradient on the processor: :mod:`deephealth.kernels.dice_ce` says what they are.

Logits are walked in blocks that stay in the first cache: a block's exponentials are kept there between the passes over
its classes, so that main memory is read once. Sums are of the logits' type within a block, of float64 across blocks.

The compiled functions take logits samples x classes x voxels (C-contiguous, float32 or float64), labels samples x 1 x
voxels of whole numbers or samples x classes x voxels of the logits' type, and a stretch of the voxels of one sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import types
from numba.extending import overload

from deephealth.kernels.compilers import compiled, on_cores
from deephealth.kernels.floats import exp32, log32

__all__ = ["class_gradient", "class_sums"]

_FIELDS = 5  # overlap, prediction, truth, cost where it is true, cost everywhere (sigmoid: where it is not)
_STRETCH = 2**18  # logits that one core takes at a time: 1 MiB of float32, which stays in the second cache
_BLOCK = 4096  # logits of a block: 16 KiB of float32, and as much for their exponentials
_APART = -9  # the number of a voxel that does not count: its id is the ignored one, or there is no such class


def class_sums(
    logits: torch.Tensor, labels: torch.Tensor, ignored: int, *, sigmoid: bool, squared: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sums B×fields×K (float64) and counts B×2 of voxels that are ignored and that have a strange id.

    Args:
        logits: B×K×spatial, any strides; half precision is widened a stretch at a time.
        labels: ids B×1×spatial of whole numbers, or shares B×K×spatial of any type.
        ignored: the id that does not count.
        sigmoid: classes are not exclusive.
        squared: predictions and truths are squared in their sums.
    """
    walk, kernel = _Walk(logits, labels), sigmoid_sums if sigmoid else softmax_sums

    def run(turn: int, _: int) -> Any:
        sample, first, last = walk.stretch(turn)
        if walk.direct:
            return kernel(walk.logits.array, walk.labels.array, sample, first, last, ignored, squared)
        x = walk.logits.read(sample, first, last)
        return kernel(x, walk.labels.read(sample, first, last), 0, 0, x.shape[2], ignored, squared)

    sums, seen = np.zeros((len(logits), _FIELDS, logits.shape[1])), np.zeros((len(logits), 2), np.int64)
    for turn, (some, counted) in enumerate(on_cores(run, walk.turns, 1)):
        sample, _, _ = walk.stretch(turn)
        sums[sample] += some
        seen[sample] += counted
    return torch.from_numpy(sums), torch.from_numpy(seen)


def class_gradient(
    logits: torch.Tensor, labels: torch.Tensor, ignored: int, pull: torch.Tensor, *, sigmoid: bool, squared: bool
) -> torch.Tensor:
    """Return the gradient of ``(pull * sums).sum()``, in the logits' type and layout.

    Args:
        logits: as :func:`class_sums` takes them, and so the others.
        labels: ids or shares.
        ignored: the id that does not count.
        pull: B×fields×K.
        sigmoid: classes are not exclusive.
        squared: predictions and truths are squared in their sums.
    """
    gradient = torch.empty_like(logits)
    walk, kernel = _Walk(logits, labels, gradient), sigmoid_gradient if sigmoid else softmax_gradient
    pulls = pull.detach().numpy().astype(walk.logits.wanted)
    target = walk.others[0]

    def run(turn: int, _: int) -> None:
        sample, first, last = walk.stretch(turn)
        pull = pulls[sample]
        if walk.direct:
            kernel(walk.logits.array, walk.labels.array, sample, first, last, ignored, squared, pull, target.array)
            return
        x = walk.logits.read(sample, first, last)
        out = np.empty_like(x)
        kernel(x, walk.labels.read(sample, first, last), 0, 0, x.shape[2], ignored, squared, pull, out)
        target.write(sample, first, last, out)

    on_cores(run, walk.turns, 1)
    return gradient


class _Walk:
    """Cuts the voxels of each sample into stretches; where they end depends on the shape and the strides alone.

    Tensors that lie as the compiled functions want them are ``direct``: they are taken as they are. Of others, one
    stretch at a time is copied, so that no copy of their size ever exists.
    """

    def __init__(self, logits: torch.Tensor, labels: torch.Tensor, *others: torch.Tensor) -> None:
        work = np.dtype(np.float64 if logits.dtype == torch.float64 else np.float32)
        shares = labels.is_floating_point() or labels.shape[1] > 1
        tensors = [tensor.detach() for tensor in (logits, labels, *others)]
        flat = [_flat(tensor) for tensor in tensors]
        # a crop can't be flattened: all are cut along their first axis then
        alike = tensors if any(tensor is None for tensor in flat) else flat
        self.logits, self.labels, *self.others = [
            _Volume(tensor, None if at == 1 and not shares else work)
            for at, tensor in enumerate(alike)
            if tensor is not None
        ]
        self.direct = all(volume.direct for volume in (self.logits, self.labels, *self.others))
        _, classes, self._length, *rest = self.logits.array.shape
        self._step = max(1, _STRETCH // (classes * math.prod(rest)))
        self._pieces = -(-self._length // self._step)
        self.turns = len(logits) * self._pieces

    def stretch(self, turn: int) -> tuple[int, int, int]:
        """Return the sample, and the first and one past the last place along the first axis."""
        sample, piece = divmod(turn, self._pieces)
        return sample, piece * self._step, min((piece + 1) * self._step, self._length)


class _Volume:
    """A tensor as an array of samples x channels x voxels, of which stretches are read or written in a wanted type."""

    def __init__(self, tensor: torch.Tensor, wanted: np.dtype | None) -> None:
        self._brain = tensor.dtype == torch.bfloat16  # NumPy has no such type: its bits are the upper half of a float32
        if self._brain or tensor.dtype == torch.bool:
            tensor = tensor.view(torch.uint16 if self._brain else torch.uint8)
        self.array = tensor.numpy()
        self.wanted = wanted or self.array.dtype
        self.direct = self.array.ndim == 3 and self.array.flags.c_contiguous and self.array.dtype == self.wanted

    def read(self, sample: int, first: int, last: int) -> np.ndarray:
        """Return a stretch as 1 x channels x voxels."""
        part = self.array[sample, :, first:last]
        part = part.reshape(1, len(part), -1)
        if self._brain:
            part = (part.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return np.ascontiguousarray(part, self.wanted)

    def write(self, sample: int, first: int, last: int, values: np.ndarray) -> None:
        """Put a stretch in its place."""
        part = self.array[sample, :, first:last]
        if self._brain:
            bits = values.view(np.uint32)
            bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))  # to the nearest, ties to even
            values = (bits >> np.uint32(16)).astype(np.uint16)
        part[:] = values.reshape(part.shape)


def _flat(tensor: torch.Tensor) -> torch.Tensor | None:
    try:
        return tensor.view(*tensor.shape[:2], -1)
    except RuntimeError:
        return None


@compiled
def softmax_sums(logits, labels, sample, first, last, ignored, squared):
    """Return fields x classes of sums, and how many voxels are ignored and how many have an id that no class has."""
    classes = logits.shape[1]
    width = _width(classes)
    one, zero = logits.dtype.type(1), logits.dtype.type(0)
    sums, seen = np.zeros((_FIELDS, classes)), np.zeros(2, np.int64)
    shares = np.empty((classes, width), logits.dtype)
    inverse, logsum = np.empty(width, logits.dtype), np.empty(width, logits.dtype)
    ids = np.empty(width, np.int32)
    for start in range(first, last, width):
        count = min(width, last - start)
        _ids(labels, sample, start, ignored, classes, ids[:count], seen)
        _softmax(logits, sample, start, shares, inverse[:count], logsum)
        for k in range(classes):
            row, share = logits[sample, k, start : start + count], shares[k, :count]
            truth = _truth(labels, sample, k, start, ids[:count])
            overlap, predicted, true, cost, every = zero, zero, zero, zero, zero
            for v in range(count):
                inside = one if ids[v] != _APART else zero
                y = _y(truth, v, k, one)
                p = share[v] * inverse[v] * inside
                surprise = logsum[v] - row[v]
                overlap += p * y
                predicted += p * p if squared else p
                true += y * y if squared else y
                cost += y * surprise
                every += inside * surprise
            sums[0, k] += overlap
            sums[1, k] += predicted
            sums[2, k] += true
            sums[3, k] += cost
            sums[4, k] += every
    return sums, seen


@compiled
def softmax_gradient(logits, labels, sample, first, last, ignored, squared, pull, out):
    """Write the gradient of ``(pull * sums).sum()`` into ``out``, as large as the logits; pull: fields x classes."""
    classes = logits.shape[1]
    width = _width(classes)
    one, zero = logits.dtype.type(1), logits.dtype.type(0)
    seen = np.zeros(2, np.int64)
    shares = np.empty((classes, width), logits.dtype)
    inverse, total = np.empty(width, logits.dtype), np.empty(width, logits.dtype)
    ids = np.empty(width, np.int32)
    for start in range(first, last, width):
        count = min(width, last - start)
        _ids(labels, sample, start, ignored, classes, ids[:count], seen)
        _softmax(logits, sample, start, shares, inverse[:count], total)
        for v in range(count):
            total[v] = zero
        for k in range(classes):
            share = shares[k, :count]
            truth = _truth(labels, sample, k, start, ids[:count])
            overlap, predicted, cost, every = pull[0, k], pull[1, k], pull[3, k], pull[4, k]
            flat, steep = (zero, predicted + predicted) if squared else (predicted, zero)
            for v in range(count):
                y = _y(truth, v, k, one)
                p = share[v] * inverse[v]
                share[v] = p
                total[v] += p * (overlap * y + flat + steep * p) - cost * y - every
        for k in range(classes):
            share, target = shares[k, :count], out[sample, k, start : start + count]
            truth = _truth(labels, sample, k, start, ids[:count])
            overlap, predicted, cost, every = pull[0, k], pull[1, k], pull[3, k], pull[4, k]
            flat, steep = (zero, predicted + predicted) if squared else (predicted, zero)
            for v in range(count):
                inside = one if ids[v] != _APART else zero
                y = _y(truth, v, k, one)
                p = share[v]
                target[v] = inside * (p * (overlap * y + flat + steep * p - total[v]) - cost * y - every)


@compiled
def sigmoid_sums(logits, labels, sample, first, last, ignored, squared):
    """Return what :func:`softmax_sums` does for classes that are not exclusive."""
    classes = logits.shape[1]
    width = _width(classes)
    one, zero = logits.dtype.type(1), logits.dtype.type(0)
    sums, seen = np.zeros((_FIELDS, classes)), np.zeros(2, np.int64)
    ids = np.empty(width, np.int32)
    for start in range(first, last, width):
        count = min(width, last - start)
        _ids(labels, sample, start, ignored, classes, ids[:count], seen)
        for k in range(classes):
            row = logits[sample, k, start : start + count]
            truth = _truth(labels, sample, k, start, ids[:count])
            overlap, predicted, true, cost, other = zero, zero, zero, zero, zero
            for v in range(count):
                x = row[v]
                inside = one if ids[v] != _APART else zero
                y = _y(truth, v, k, one)
                e = _exp(-abs(x))
                p = (one if x >= zero else e) / (one + e) * inside
                rest = _log(one + e)
                overlap += p * y
                predicted += p * p if squared else p
                true += y * y if squared else y
                cost += y * (rest + (zero if x >= zero else -x))
                other += (inside - y) * (rest + (x if x >= zero else zero))
            sums[0, k] += overlap
            sums[1, k] += predicted
            sums[2, k] += true
            sums[3, k] += cost
            sums[4, k] += other
    return sums, seen


@compiled
def sigmoid_gradient(logits, labels, sample, first, last, ignored, squared, pull, out):
    """Write what :func:`softmax_gradient` does for classes that are not exclusive."""
    classes = logits.shape[1]
    width = _width(classes)
    one, zero = logits.dtype.type(1), logits.dtype.type(0)
    ids, seen = np.empty(width, np.int32), np.zeros(2, np.int64)
    for start in range(first, last, width):
        count = min(width, last - start)
        _ids(labels, sample, start, ignored, classes, ids[:count], seen)
        for k in range(classes):
            row, target = logits[sample, k, start : start + count], out[sample, k, start : start + count]
            truth = _truth(labels, sample, k, start, ids[:count])
            overlap, predicted, cost, other = pull[0, k], pull[1, k], pull[3, k], pull[4, k]
            flat, steep = (zero, predicted + predicted) if squared else (predicted, zero)
            for v in range(count):
                x = row[v]
                inside = one if ids[v] != _APART else zero
                y = _y(truth, v, k, one)
                e = _exp(-abs(x))
                share = one / (one + e)
                p, left = (share, e * share) if x >= zero else (e * share, share)
                slope = p * left * (overlap * y + flat + steep * p)
                target[v] = inside * (slope - cost * y * left + other * (one - y) * p)


@compiled
def _width(classes):
    return min(max(_BLOCK // classes // 16 * 16, 64), 1024)


@compiled
def _softmax(logits, sample, start, shares, inverse, logsum):
    """Write exp(x - highest), one over its sum, and the logarithm of the sum of exp(x)."""
    count = len(inverse)
    zero, one = inverse.dtype.type(0), inverse.dtype.type(1)
    row = logits[sample, 0, start : start + count]
    for v in range(count):
        logsum[v] = row[v]  # the highest logit, until the end
        inverse[v] = zero
    for k in range(1, logits.shape[1]):
        row = logits[sample, k, start : start + count]
        for v in range(count):
            logsum[v] = row[v] if row[v] > logsum[v] else logsum[v]
    for k in range(logits.shape[1]):
        row, share = logits[sample, k, start : start + count], shares[k, :count]
        for v in range(count):
            e = _exp(row[v] - logsum[v])
            share[v] = e
            inverse[v] += e
    for v in range(count):
        total = inverse[v]
        logsum[v] = logsum[v] + _log(total)
        inverse[v] = one / total


def _exp(x: Any) -> Any: ...
def _log(x: Any) -> Any: ...
def _ids(labels: Any, sample: int, start: int, ignored: int, classes: int, ids: Any, seen: Any) -> None: ...
def _truth(labels: Any, sample: int, k: int, start: int, ids: Any) -> Any: ...
def _y(truth: Any, v: int, k: int, one: Any) -> Any: ...


@overload(_exp, inline="always")
def _exp_of(x):
    if x == types.float32:
        return lambda x: exp32(x)
    return lambda x: np.exp(x)


@overload(_log, inline="always")
def _log_of(x):
    if x == types.float32:
        return lambda x: log32(x)
    return lambda x: np.log(x)


@overload(_ids)
def _ids_of(labels, sample, start, ignored, classes, ids, seen):
    """Number the voxels by channel: those of the background of a single class get -1."""

    def of_shares(labels, sample, start, ignored, classes, ids, seen):
        for v in range(len(ids)):
            ids[v] = 0

    def of_ids(labels, sample, start, ignored, classes, ids, seen):
        row = labels[sample, 0, start : start + len(ids)]
        below = 1 if classes == 1 else 0
        left_out, strange = 0, 0
        for v in range(len(ids)):
            label = np.int64(row[v])
            known = (label >= 0) & (label < classes + below) & (label != ignored)
            ids[v] = np.int32(label - below) if known else np.int32(_APART)
            left_out += 1 if label == ignored else 0
            strange += 0 if known | (label == ignored) else 1
        seen[0] += left_out
        seen[1] += strange

    return of_ids if isinstance(labels.dtype, types.Integer) else of_shares


@overload(_truth, inline="always")
def _truth_of(labels, sample, k, start, ids):
    if isinstance(labels.dtype, types.Integer):
        return lambda labels, sample, k, start, ids: ids
    return lambda labels, sample, k, start, ids: labels[sample, k, start : start + len(ids)]


@overload(_y, inline="always")
def _y_of(truth, v, k, one):
    if not isinstance(truth.dtype, types.Integer):
        return lambda truth, v, k, one: truth[v]
    if one == types.float32:
        return lambda truth, v, k, one: np.float32(truth[v] == k)
    return lambda truth, v, k, one: np.float64(truth[v] == k)
