"""The pixels of many single-frame files in one array; ordinary native slices are read straight into their place.

A raw slice is read, freed from unused bits and rescaled while it is still in the processor's cache, so that a CT costs
little more than reading its bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.dicom.bounded import cores, fill_at, open_to_read
from deephealth.io.dicom.frames import Colour
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.header import UNDEFINED, Header
from deephealth.io.dicom.layout import PixelLayout
from deephealth.io.dicom.native import clear_unused_bits
from deephealth.io.dicom.pixels import read_pixels
from deephealth.io.dicom.syntaxes import is_native
from deephealth.io.dicom.values import integer_type, rescale, stored_range
from deephealth.io.limits import Limits

__all__ = ["read_slab"]

Pair = tuple[float, float]


def read_slab(
    slots: Sequence[Header | None],
    layout: PixelLayout,
    *,
    rescale: bool,
    threads: int | None,
    limits: Limits,
    name: str,
) -> np.ndarray:
    """Return (N, H, W) or (N, H, W, samples), a slice per slot.

    Args:
        slots: the file of each slice; ``None`` where it is missing.
        layout: that all files share.
        rescale: whether slope and intercept of each file are applied.
        threads: files that are read at a time.
        limits: largest array.
        name: what errors call the series.

    Raises:
        UnreadableFileError, LimitError: a file is damaged, shorter than it claims, or too large.
    """
    files = [header for header in slots if header is not None]
    layout.check(limits, name, len(slots))
    tables = any("ModalityLUTSequence" in header for header in files)
    pairs = [header.rescale_pair() if rescale else (1.0, 0.0) for header in files]
    if all(_is_raw(header, layout) for header in files) and not (rescale and tables):
        _check_sizes(files, layout)
        found = _raw(slots, layout, pairs, threads)
    else:
        found = _decoded(slots, layout, pairs, threads, limits, tables=tables and rescale)
    missing = [at for at, header in enumerate(slots) if header is None]
    if missing:
        there = [at for at, header in enumerate(slots) if header is not None]
        lowest = min(found[at].min() for at in there)
        for at in missing:
            found[at] = lowest
    return found


def _is_raw(header: Header, layout: PixelLayout) -> bool:
    """Return whether the file's pixels lie in it as they do in memory."""
    return (
        header.pixel_offset >= 0
        and header.pixel_length != UNDEFINED
        and header.pixel_keyword == "PixelData"
        and header.syntax == layout.syntax
        and is_native(header.syntax)
        and layout.contiguous
        and layout.samples == 1
    )


def _check_sizes(files: Sequence[Header], layout: PixelLayout) -> None:
    """Refuse files that are shorter than they claim, before anything is allocated."""
    size = layout.frame_bits // 8
    for header in files:
        if min(header.pixel_length, header.size - header.pixel_offset) < size:
            raise LimitError(
                f"{header.path} claims {size} bytes of pixels and holds "
                f"{min(header.pixel_length, header.size - header.pixel_offset)}",
                allowed="a complete file",
                hint="copy the file again: it is truncated",
            )


def _raw(slots: Sequence[Header | None], layout: PixelLayout, pairs: Sequence[Pair], threads: int | None) -> np.ndarray:
    """Read native slices into the slab, rescaling each in place where its type allows."""
    reach = stored_range(layout.stored, signed=layout.signed)
    pair = pairs[0]
    same = all(other == pair for other in pairs)
    if same and pair[0] == 1 and float(pair[1]).is_integer() and abs(pair[1]) < 2**31:
        return _raw_in_place(slots, layout, int(pair[1]), reach, threads)
    raw = np.empty((len(slots), *layout.frame_shape), layout.dtype)
    _each(slots, raw, layout, None, threads)
    if same:
        return rescale(raw, *pair, reach)
    return _rescaled_apart(raw, slots, pairs, reach)


def _raw_in_place(
    slots: Sequence[Header | None], layout: PixelLayout, intercept: int, reach: tuple[int, int], threads: int | None
) -> np.ndarray:
    """Read slices whose values only shift by a whole number."""
    slab = np.empty((len(slots), *layout.frame_shape), layout.dtype)
    if not intercept:
        _each(slots, slab, layout, None, threads)
        return slab
    bits = layout.dtype.itemsize * 8
    step = np.array(intercept & ((1 << bits) - 1), dtype=f"u{bits // 8}").astype(layout.dtype)
    ends: list[tuple[int, int]] = []
    wanted = integer_type(reach[0] + intercept, reach[1] + intercept)
    unsure = wanted.itemsize > layout.dtype.itemsize  # whether it stays within the stored type, the values must say

    def shift(piece: np.ndarray) -> None:
        if unsure:
            ends.append((int(piece.min()), int(piece.max())))
        np.add(piece, step, out=piece)

    _each(slots, slab, layout, shift, threads)
    if unsure:
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        wanted = integer_type(low + intercept, high + intercept)
    if wanted.itemsize == layout.dtype.itemsize:
        return slab.view(wanted)
    if wanted.itemsize < layout.dtype.itemsize:
        return slab.astype(wanted)
    np.subtract(slab, step, out=slab)
    return slab.astype(wanted) + wanted.type(intercept)


def _rescaled_apart(
    raw: np.ndarray, slots: Sequence[Header | None], pairs: Sequence[Pair], reach: tuple[int, int]
) -> np.ndarray:
    """Rescale each slice by its own slope and intercept."""
    there = [at for at, header in enumerate(slots) if header is not None]
    whole = all(float(slope).is_integer() and float(intercept).is_integer() for slope, intercept in pairs)
    dtype = np.dtype(np.float32)
    if whole:
        ends = [end * slope + intercept for slope, intercept in pairs for end in reach]
        dtype = integer_type(min(ends), max(ends))
    out = np.empty(raw.shape, dtype)
    for at, (slope, intercept) in zip(there, pairs, strict=True):
        out[at] = rescale(raw[at], slope, intercept, reach)
    return out


def _each(
    slots: Sequence[Header | None],
    slab: np.ndarray,
    layout: PixelLayout,
    then: Callable[[np.ndarray], None] | None,
    threads: int | None,
) -> None:
    """Read every slice into its place; clear unused bits; do ``then`` with it."""
    unused = layout.stored < layout.allocated

    def one(at: int) -> None:
        header = slots[at]
        if header is None:
            return
        piece = slab[at]
        with guarded(header.path):
            _fill(header, memoryview(piece).cast("B"))
        if unused:
            clear_unused_bits(piece, layout.stored, signed=layout.signed)
        if then is not None:
            then(piece)

    _in_threads(one, len(slots), threads)


def _fill(header: Header, out: memoryview) -> None:
    descriptor = open_to_read(header.path)
    try:
        if fill_at(descriptor, out, header.pixel_offset) < len(out):
            raise UnreadableFileError(f"{header.path} became shorter while it was read", hint="read it again")
    finally:
        os.close(descriptor)


def _decoded(
    slots: Sequence[Header | None],
    layout: PixelLayout,
    pairs: Sequence[Pair],
    threads: int | None,
    limits: Limits,
    *,
    tables: bool,
) -> np.ndarray:
    """Read slices that need a decoder, several at a time."""
    there = [at for at, header in enumerate(slots) if header is not None]

    def pixels(at: int) -> np.ndarray:
        header = slots[at]
        assert header is not None  # noqa: S101 - `there` names files alone
        colour: Colour = "rgb" if layout.samples > 1 else "stored"
        return read_pixels(header.path, frames=0, rescale=tables, colour=colour, threads=1, limits=limits)

    first = pixels(there[0])
    raw = np.empty((len(slots), *first.shape), first.dtype)
    raw[there[0]] = first

    def one(number: int) -> None:
        raw[there[number]] = pixels(there[number])

    _in_threads(one, len(there), threads, start=1)
    if tables or layout.samples > 1:
        return raw
    reach = stored_range(layout.stored, signed=layout.signed)
    if all(pair == pairs[0] for pair in pairs):
        return rescale(raw, *pairs[0], reach)
    return _rescaled_apart(raw, slots, pairs, reach)


def _in_threads(one: Callable[[int], None], count: int, threads: int | None, start: int = 0) -> None:
    """Call ``one`` for every number, in threads, each taking a run of neighbours; the first error ends it."""
    workers = min(threads or cores(), count - start)
    if workers <= 1:
        for at in range(start, count):
            one(at)
        return

    def run(first: int) -> None:
        for at in range(first, count, workers):
            one(at)

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(run, start + worker) for worker in range(workers)]:
            future.result()
