"""Random fields of volume size, as a function of (key, place in the volume): Philox4x32-10.

Contract
    ``words``: whole numbers 0 to 2^32 - 1, the same bit for bit in all versions. ``uniform_field``: float32 in [0, 1),
    the upper 24 bits of a word, the same bit for bit. ``normal_field``: float32, Box-Muller on pairs of words; the
    versions differ by less than 3e-6, and no number is further than 6.67 from zero.

    Number n of a field comes from counter ``n // 1024 * 256 + n % 256`` and is word ``n % 1024 // 256`` of its four, so
    that vector units and warps work on neighbours. Counters have 64 bits; a field may begin at any number, and a piece
    of a field equals that piece of the whole. Bytes moved: 4 written per number, none read.

Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import compiled, inlined, on_cores, tl, triton, version_for
from deephealth.kernels.floats import log32

__all__ = ["LANES", "fill_normals", "normal_field", "normal_four", "reference_words", "uniform_field", "words"]

LANES = 256  # neighbours that come from the same word of neighbouring counters
_CHUNK = 4 * LANES
_ROUNDS = 10
_A, _B = 0xD2511F53, 0xCD9E8D57
_STEP_A, _STEP_B = 0x9E3779B9, 0xBB67AE85
_LOW = 0xFFFFFFFF
_GRAIN = 256 * _CHUNK  # numbers per stretch


def words(key: int, shape: Sequence[int], *, start: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return random whole numbers 0 to 2^32 - 1 as int64.

    Args:
        key: a whole number from 0 to 2^63 - 1, such as :meth:`deephealth.transforms.volume.base.Draws.key` gives.
        shape: of the field.
        start: number of the field's first element, so that a field can be made in pieces.
        device: where it is made.

    Raises:
        DataError: the key, the shape or the start is out of range.

    Example:
        >>> whole = words(7, (4, 500))
        >>> bool((words(7, (3, 500), start=500) == whole[1:]).all())
        True
    """
    return _field(key, shape, start, device, "words")


def uniform_field(
    key: int, shape: Sequence[int], *, start: int = 0, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Return a float32 field of numbers in [0, 1); the arguments are those of :func:`words`.

    Example:
        >>> abs(float(uniform_field(1, (64, 64)).mean()) - 0.5) < 0.02
        True
    """
    return _field(key, shape, start, device, "uniform")


def normal_field(key: int, shape: Sequence[int], *, start: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return a float32 field of standard normal numbers; the arguments are those of :func:`words`.

    Example:
        >>> abs(float(normal_field(1, (64, 64)).std()) - 1) < 0.03
        True
    """
    return _field(key, shape, start, device, "normal")


def reference_words(key: int, count: int, start: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return ``count`` words as int64, by whole-number arithmetic of torch: on any device."""
    quads, picked, word = _quads(key, count, start, device)
    return torch.stack(quads)[word, picked]


def reference_normals(key: int, count: int, start: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return ``count`` normal numbers as float32, computed in float64."""
    quads, picked, word = _quads(key, count, start, device)
    found = []
    for first, second in (quads[:2], quads[2:]):
        radius = torch.sqrt(-2 * torch.log(_open_unit(first)))
        angle = second.double() * (2 * math.pi / 2**32)
        found += [radius * torch.cos(angle), radius * torch.sin(angle)]
    return torch.stack(found)[word, picked].float()


def _quads(
    key: int, count: int, start: int, device: torch.device | str
) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return the four words of every counter that is needed; which counter each number has, and which word of it."""
    first, last = start // _CHUNK, -(-(start + count) // _CHUNK)
    counters = torch.arange(first * LANES, last * LANES, device=device)
    c = [counters & _LOW, counters >> 32, torch.zeros_like(counters), torch.zeros_like(counters)]
    k0, k1 = key & _LOW, key >> 32
    for _ in range(_ROUNDS):
        high_a, low_a = _multiplied(c[0], _A)
        high_b, low_b = _multiplied(c[2], _B)
        c = [high_b ^ c[1] ^ k0, low_b, high_a ^ c[3] ^ k1, low_a]
        k0, k1 = (k0 + _STEP_A) & _LOW, (k1 + _STEP_B) & _LOW
    number = torch.arange(start, start + count, device=device)
    return c, number // _CHUNK * LANES + number % LANES - first * LANES, number % _CHUNK // LANES


def _multiplied(x: torch.Tensor, factor: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the upper and lower 32 bits of a product of 32-bit numbers; int64 would overflow, so in two halves."""
    upper, lower = x * (factor >> 16), x * (factor & 0xFFFF)
    low = ((upper & 0xFFFF) << 16) + lower
    return (upper >> 16) + (low >> 32), low & _LOW


def _open_unit(word: torch.Tensor) -> torch.Tensor:
    """Return a number in (0, 1] from a word: the float32 nearest to its upper 31 bits, half a step up."""
    return (word >> 1).float().double() * 2.0**-31 + 2.0**-32


_A64, _B64 = np.uint64(_A), np.uint64(_B)
_STEP_A32, _STEP_B32 = np.uint32(_STEP_A), np.uint32(_STEP_B)
_LOW64, _32 = np.uint64(_LOW), np.uint64(32)
_STEP31, _STEP32, _STEP24 = np.float32(2.0**-31), np.float32(2.0**-32), np.float32(2.0**-24)
_ANGLE = np.float32(math.pi / 2**31)
_MINUS_TWO, _ZERO, _ONE, _HALF = np.float32(-2), np.float32(0), np.float32(1), np.float32(0.5)
_S0, _S1, _S2 = np.float32(-1.9515295891e-4), np.float32(8.3321608736e-3), np.float32(-1.6666654611e-1)
_C0, _C1, _C2 = np.float32(2.443315711809948e-5), np.float32(-1.388731625493765e-3), np.float32(4.166664568298827e-2)


@inlined
def _four(counter, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    """Return the four words of a 64-bit counter, in 64-bit numbers whose upper half is empty."""
    c0, c1, c2, c3 = counter & _LOW64, counter >> _32, np.uint64(0), np.uint64(0)
    for _ in range(10):
        a, b = c0 * _A64, c2 * _B64
        c0, c1, c2, c3 = (b >> _32) ^ c1 ^ np.uint64(k0), b & _LOW64, (a >> _32) ^ c3 ^ np.uint64(k1), a & _LOW64
        k0, k1 = np.uint32(k0 + _STEP_A32), np.uint32(k1 + _STEP_B32)
    return c0, c1, c2, c3


@inlined
def _pair(first, second):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return two normal numbers from two words, uint32."""
    unit = np.float32(np.int32(first >> np.uint32(1))) * _STEP31 + _STEP32
    radius = np.sqrt(max(_MINUS_TWO * log32(unit), _ZERO))
    quarter = np.uint32(second + np.uint32(0x20000000)) >> np.uint32(30)  # nearest quarter of a turn
    x = np.float32(np.int32(np.uint32(second - np.uint32(quarter << np.uint32(30))))) * _ANGLE  # -pi/4 to pi/4
    xx = x * x
    sine = ((_S0 * xx + _S1) * xx + _S2) * xx * x + x
    cosine = ((_C0 * xx + _C1) * xx + _C2) * xx * xx - _HALF * xx + _ONE
    swap = (quarter & np.uint32(1)) == np.uint32(1)
    by_cosine, by_sine = (sine, cosine) if swap else (cosine, sine)
    by_cosine = -by_cosine if ((quarter + np.uint32(1)) & np.uint32(2)) != np.uint32(0) else by_cosine
    by_sine = -by_sine if (quarter & np.uint32(2)) != np.uint32(0) else by_sine
    return radius * by_cosine, radius * by_sine


@compiled
def _words_of_chunk(key, chunk, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write the words of one chunk into four rows, uint32."""
    k0, k1 = np.uint32(key & np.int64(0xFFFFFFFF)), np.uint32(key >> np.int64(32))
    base = np.uint64(chunk) * np.uint64(LANES)
    for lane in range(LANES):
        c0, c1, c2, c3 = _four(base + np.uint64(lane), k0, k1)
        out[0, lane], out[1, lane] = np.uint32(c0), np.uint32(c1)
        out[2, lane], out[3, lane] = np.uint32(c2), np.uint32(c3)


@compiled
def fill_normals(key, chunk, scratch, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write the normal numbers of one chunk (1024 of them) into ``out``, with ``scratch`` uint32 4×256."""
    _words_of_chunk(key, chunk, scratch)
    for lane in range(LANES):
        out[lane], out[LANES + lane] = _pair(scratch[0, lane], scratch[1, lane])
    for lane in range(LANES):
        out[2 * LANES + lane], out[3 * LANES + lane] = _pair(scratch[2, lane], scratch[3, lane])


@compiled
def _write_normals(key, start, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    scratch, block = np.empty((4, LANES), np.uint32), np.empty(_CHUNK, np.float32)
    at = 0
    while at < out.size:
        chunk, skip = (start + at) // _CHUNK, (start + at) % _CHUNK
        count = min(_CHUNK - skip, out.size - at)
        if count == _CHUNK:
            fill_normals(key, chunk, scratch, out[at : at + count])
        else:
            fill_normals(key, chunk, scratch, block)
            out[at : at + count] = block[skip : skip + count]
        at += count


@compiled
def _write_words(key, start, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    scratch = np.empty((4, LANES), np.uint32)
    at = 0
    while at < out.size:
        chunk, skip = (start + at) // _CHUNK, (start + at) % _CHUNK
        _words_of_chunk(key, chunk, scratch)
        count = min(_CHUNK - skip, out.size - at)
        out[at : at + count] = scratch.ravel()[skip : skip + count]
        at += count


@compiled
def _write_uniforms(key, start, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    bits = np.empty(_CHUNK, np.uint32)
    at = 0
    while at < out.size:
        count = min(_CHUNK - (start + at) % _CHUNK, out.size - at)
        _write_words(key, start + at, bits[:count])
        for place in range(count):
            out[at + place] = np.float32(np.int32(bits[place] >> np.uint32(8))) * _STEP24
        at += count


@triton.jit
def normal_four(key, counter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the four normal numbers of 64-bit counters."""
    w0, w1, w2, w3 = _words_four(key, counter)
    r0 = _radius(w0)
    r1 = _radius(w2)
    a0 = w1.to(tl.int32, bitcast=True).to(tl.float32) * 1.4629180792671596e-09  # pi / 2^31
    a1 = w3.to(tl.int32, bitcast=True).to(tl.float32) * 1.4629180792671596e-09
    return r0 * tl.cos(a0), r0 * tl.sin(a0), r1 * tl.cos(a1), r1 * tl.sin(a1)


@triton.jit
def _words_four(key, counter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    low = (counter & 0xFFFFFFFF).to(tl.uint32)
    high = (counter >> 32).to(tl.uint32)
    return tl.philox(key, low, high, low * 0, low * 0)


@triton.jit
def _radius(word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    unit = (word >> 1).to(tl.int32).to(tl.float32) * 4.656612873077393e-10 + 2.3283064365386963e-10
    return tl.sqrt(tl.maximum(-2.0 * tl.log(unit), 0.0))


@triton.jit
def _triton_field(out, key, start, count, KIND: tl.constexpr, LANES_: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    chunk = start // (4 * LANES_) + tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, LANES_)
    if KIND == 2:
        v0, v1, v2, v3 = normal_four(key, chunk * LANES_ + lane)
    else:
        v0, v1, v2, v3 = _words_four(key, chunk * LANES_ + lane)
    place = chunk * (4 * LANES_) + lane - start
    _triton_store(out, place, v0, count, KIND)
    _triton_store(out, place + LANES_, v1, count, KIND)
    _triton_store(out, place + 2 * LANES_, v2, count, KIND)
    _triton_store(out, place + 3 * LANES_, v3, count, KIND)


@triton.jit
def _triton_store(out, place, value, count, KIND: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    if KIND == 0:
        value = value.to(tl.int64)
    if KIND == 1:
        value = (value >> 8).to(tl.int32).to(tl.float32) * 5.9604644775390625e-08  # 2^-24
    tl.store(out + place, value, mask=(place >= 0) & (place < count))


_KINDS = {"words": 0, "uniform": 1, "normal": 2}
_WRITERS = {"words": _write_words, "uniform": _write_uniforms, "normal": _write_normals}


def _field(key: int, shape: Sequence[int], start: int, device: torch.device | str, kind: str) -> torch.Tensor:
    count = math.prod(shape)
    _check(key, shape, start)
    out = torch.empty(tuple(shape), dtype=torch.int64 if kind == "words" else torch.float32, device=device)
    version = version_for(out)
    if count == 0:
        return out
    if version == "triton":
        grid = (-(-(start + count) // _CHUNK) - start // _CHUNK,)
        _triton_field[grid](out, key, start, count, KIND=_KINDS[kind], LANES_=LANES)
    elif version == "compiled":
        flat = out.view(-1).numpy()
        write = _WRITERS[kind]
        on_cores(lambda first, last: write(key, start + first, flat[first:last]), count, _GRAIN)
    elif kind == "normal":
        out = reference_normals(key, count, start, device).view(out.shape)
    else:
        found = reference_words(key, count, start, device).view(out.shape)
        out = found if kind == "words" else (found >> 8).float() * 2.0**-24
    return out


def _check(key: int, shape: Sequence[int], start: int) -> None:
    if not 0 <= key < 2**63:
        raise DataError(f"the key of a random field is {key}", allowed="0 to 2^63 - 1", hint="take it from Draws.key()")
    if any(size < 0 for size in shape) or not 0 <= start < 2**62:
        raise DataError(
            f"a random field of shape {tuple(shape)} from number {start}",
            allowed="sizes of 0 and more, start below 2^62",
        )
