"""Frames of one file as stored values: native ones read into the result, compressed ones decoded in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.core.units import format_bytes
from deephealth.io.dicom.access import PixelAccess
from deephealth.io.dicom.bounded import ByteSource, FilePart, cores
from deephealth.io.dicom.colour import in_colour
from deephealth.io.dicom.decoders import MAX_RATIO, RATIO_FROM_BYTES, decode_frame
from deephealth.io.dicom.fragments import Frames, find_frames
from deephealth.io.dicom.native import clear_unused_bits, native_frame
from deephealth.io.dicom.syntaxes import NATIVE
from deephealth.io.limits import DEFAULT_LIMITS, Limits

__all__ = ["Colour", "frame_indices", "read_frames"]

Colour = Literal["stored", "rgb", "ybr"]
Reader = Callable[[int, np.ndarray], None]


def frame_indices(frames: int | Sequence[int] | None, count: int, name: str) -> list[int]:
    """Return the frame numbers that are meant; negative ones count from the end.

    Raises:
        DataError: a frame that the file does not have.
    """
    if frames is None:
        return list(range(count))
    wanted = [frames] if isinstance(frames, int) else list(frames)
    for frame in wanted:
        if not -count <= frame < count:
            raise DataError(f"frame {frame} of {name}", allowed=f"0 to {count - 1}")
    return [frame % count for frame in wanted]


def read_frames(
    access: PixelAccess,
    picked: Sequence[int],
    *,
    colour: Colour = "stored",
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> np.ndarray:
    """Return stored values of some frames: (N, H, W) or (N, H, W, samples), colours converted if asked for.

    Args:
        access: the opened file.
        picked: frame numbers.
        colour: ``"stored"``, ``"rgb"`` or ``"ybr"``.
        threads: frames that are decoded at a time; a single JPEG 2000 frame is decoded with all of them.
        limits: largest result.

    Raises:
        UnreadableFileError: damaged.
        LimitError: more than the limits allow, or more than the file can hold.
    """
    layout = access.layout
    layout.check(limits, access.name, len(picked))
    allowed = threads or cores()
    if access.family == NATIVE:
        _check_holds(access, picked, limits)
        direct = _direct(access, picked) if colour == "stored" or layout.samples == 1 else None
        if direct is not None:
            return direct
        one = _native_reader(access, colour)
    else:
        _check_ratio(access, len(picked))
        one = _decoder(access, colour, max(1, allowed // max(len(picked), 1)))
    out = np.empty((len(picked), *layout.frame_shape), layout.dtype)
    workers = min(allowed, len(picked))
    if workers <= 1:
        for at, index in enumerate(picked):
            one(index, out[at])
    else:
        _in_threads(one, picked, out, workers)
    return out


def _in_threads(one: Reader, picked: Sequence[int], out: np.ndarray, workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        done = [pool.submit(one, index, out[at]) for at, index in enumerate(picked)]
        try:
            for future in done:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_holds(access: PixelAccess, picked: Sequence[int], limits: Limits) -> None:
    """Refuse a native file that claims more than it holds, before anything is allocated."""
    stop = -(-(max(picked) + 1) * access.layout.frame_bits // 8) if picked else 0
    limits.check_array((stop,), 1, access.name, on_disk=access.source.size)


def _check_ratio(access: PixelAccess, frames: int) -> None:
    """Refuse a compressed file that claims far more pixels than its bytes can hold, before anything is allocated."""
    layout = access.layout
    claimed = frames * layout.rows * layout.columns * layout.samples * layout.dtype.itemsize
    if claimed > RATIO_FROM_BYTES and claimed > MAX_RATIO * access.source.size:
        raise LimitError(
            f"{access.name} holds {format_bytes(access.source.size)} of frames and claims {format_bytes(claimed)}",
            allowed=f"at most {MAX_RATIO} times their size",
            hint="it is damaged or made to exhaust memory",
        )


def _direct(access: PixelAccess, picked: Sequence[int]) -> np.ndarray | None:
    """Read ordinary native frames straight into the result; ``None`` if they need more than that."""
    layout, source = access.layout, access.source
    if not layout.contiguous or not isinstance(source, FilePart) or not picked:
        return None
    out = np.empty((len(picked), *layout.frame_shape), layout.dtype)
    size = layout.frame_bits // 8
    if list(picked) == list(range(picked[0], picked[0] + len(picked))):
        got = source.read_into(picked[0] * size, memoryview(out.data).cast("B"))
    else:
        got = sum(source.read_into(index * size, memoryview(out[at].data).cast("B")) for at, index in enumerate(picked))
    if got != out.nbytes:
        raise UnreadableFileError(f"{access.name} became shorter while it was read", hint="read it again")
    return clear_unused_bits(out, layout.stored, signed=layout.signed) if layout.keyword == "PixelData" else out


def _native_reader(access: PixelAccess, colour: Colour) -> Reader:
    layout, name = access.layout, access.name

    def one(index: int, out: np.ndarray) -> None:
        frame = native_frame(access.source, layout, index, name)
        if layout.keyword == "PixelData" and 1 < layout.stored < layout.allocated:
            frame = clear_unused_bits(frame, layout.stored, signed=layout.signed)
        now = "YBR_FULL" if layout.photometric == "YBR_FULL_422" else layout.photometric
        out[...] = in_colour(frame, now, colour, bits=layout.stored, name=name)

    return one


def _decoder(access: PixelAccess, colour: Colour, workers: int) -> Reader:
    layout, name, source = access.layout, access.name, access.source
    where = find_frames(source, layout.frames, name, extended=access.extended_offsets())

    def one(index: int, out: np.ndarray) -> None:
        frame, now = decode_frame(_joined(source, where, index), layout, access.family, name, out=out, workers=workers)
        frame = in_colour(frame, now, colour, bits=layout.stored, name=name)
        if frame is not out:
            out[...] = frame

    return one


def _joined(source: ByteSource, where: Frames, index: int) -> bytes:
    parts = [source.read(start, length) for start, length in where[index]]
    return parts[0] if len(parts) == 1 else b"".join(parts)
