"""Opening every file of a data set, to know before training which ones can't be used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deephealth.core.errors import DataError, MissingDataError
from deephealth.data.sample import Problem, Sample
from deephealth.io.raster import decode_rgb, read_mask
from deephealth.io.source import Source

__all__ = ["Inspection", "inspect_samples"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What opening one sample's files showed.

    Args:
        problems: files that are missing or can't be decoded, masks of another size.
        digest: hash of the picture file's content; empty when it can't be read.
    """

    problems: tuple[Problem, ...]
    digest: str


def inspect_samples(
    samples: Sequence[Sample], *, progress: Callable[[int, int], object] | None = None, threads: int | None = None
) -> list[Inspection]:
    """Decode the picture and the mask of every sample; never raises for a file.

    Args:
        samples: whose files are opened.
        progress: called with (done, total) after each sample.
        threads: decoders; the number of cores, at most 8, when not given.

    Returns:
        One result per sample, in their order.
    """
    results = []
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        for done, result in enumerate(pool.map(_inspect, samples), 1):
            results.append(result)
            if progress is not None:
                progress(done, len(samples))
    return results


def _inspect(sample: Sample) -> Inspection:
    digest, size, problems = _look_at_image(sample.image)
    if sample.mask is not None:
        problems += list(_look_at_mask(sample.mask, size))
    return Inspection(tuple(problems), digest)


def _look_at_image(source: Source) -> tuple[str, tuple[int, int] | None, list[Problem]]:
    try:
        data = source.read_bytes()
        size = decode_rgb(data, str(source)).shape[:2]
    except DataError as error:
        return "", None, [_problem(error, source, "image")]
    return hashlib.blake2b(data, digest_size=16).hexdigest(), (size[0], size[1]), []


def _look_at_mask(source: Source, image_size: tuple[int, int] | None) -> Iterator[Problem]:
    try:
        size = read_mask(source).shape
    except DataError as error:
        yield _problem(error, source, "mask")
        return
    if image_size is not None and size != image_size:
        shown = f"{size[0]} x {size[1]} pixels, its picture {image_size[0]} x {image_size[1]}"
        yield Problem("error", "mask-size", str(source), f"the mask has {shown} (height x width)")


def _problem(error: DataError, source: Source, what: str) -> Problem:
    kind = "missing" if isinstance(error, MissingDataError) else "unreadable"
    return Problem("error", f"{kind}-{what}", str(source), error.what)
