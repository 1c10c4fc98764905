"""The original's pixel loops, one at a time in single precision: what the vectorised functions are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

F = np.float32
PADDINGS = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}


def fetch(x: np.ndarray, source: Sequence[int], here: Sequence[int], wrap: str, cval: float) -> np.ndarray:
    """One pixel of all samples and channels of ``x`` at ``source``, which may lie outside."""
    sizes = x.shape[2:]
    if all(0 <= at < size for at, size in zip(source, sizes, strict=True)):
        return x[(..., *source)]
    if wrap == "constant":
        return np.full(x.shape[:2], cval, dtype=x.dtype)
    if wrap == "original":
        return x[(..., *here)]
    margin = 4 * max(sizes) + max(map(abs, source))
    lines = [np.pad(np.arange(size), margin, PADDINGS[wrap]) for size in sizes]
    return x[(..., *(line[at + margin] for line, at in zip(lines, source, strict=True)))]


def remap(
    x: np.ndarray, out: Sequence[int], source: Callable[..., Sequence[int]], wrap: str, cval: float
) -> np.ndarray:
    """The result of shape ``out`` whose pixel ``here`` is that of ``x`` at ``source(*here)``."""
    made = np.zeros((*x.shape[:2], *out), dtype=x.dtype)
    for here in product(*map(range, out)):
        made[(..., *here)] = fetch(x, source(*here), here, wrap, cval)
    return made


def shift(x: np.ndarray, step: Sequence[int], wrap: str, cval: float) -> np.ndarray:
    return remap(x, x.shape[2:], lambda i, j: (i - step[0], j - step[1]), wrap, cval)


def rotate(x: np.ndarray, angle: float, offset: Sequence[int], wrap: str, cval: float) -> np.ndarray:
    centre = [size // 2 + off for size, off in zip(x.shape[2:], offset, strict=True)]
    turn = F(-float(F(angle)) * np.pi / 180.0)
    sine, cosine = F(np.sin(np.float64(turn))), F(np.cos(np.float64(turn)))

    def source(i: int, j: int) -> tuple[int, int]:
        down, right = F(i - centre[0]), F(j - centre[1])
        return int(sine * right + cosine * down + F(centre[0])), int(cosine * right - sine * down + F(centre[1]))

    return remap(x, x.shape[2:], source, wrap, cval)


def scale(
    x: np.ndarray, new: Sequence[int], wrap: str, cval: float, coordinate: str, keep_size: bool = False
) -> np.ndarray:
    sizes = x.shape[2:]
    out = sizes if keep_size else tuple(new)
    offset = [int((wanted - shown) / 2) for wanted, shown in zip(new, out, strict=True)]

    def source(*here: int) -> list[int]:
        places = [at + off for at, off in zip(here, offset, strict=True)]
        return [along(at, old, wanted, coordinate) for at, old, wanted in zip(places, sizes, new, strict=True)]

    return remap(x, out, source, wrap, cval)


def along(place: int, old: int, new: int, coordinate: str) -> int:
    if coordinate == "asymmetric":
        return int(F(place) / (F(new) / F(old)))
    if coordinate == "half_pixel":
        return int((F(place) + F(0.5)) / (F(new) / F(old)) - F(0.5))
    assert coordinate == "align_corners"
    assert new > 1
    return int(F(place) / (F(new - 1) / F(old - 1))) if old > 1 else 0
