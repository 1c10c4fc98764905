"""Local maxima and the largest elements."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.stacks import from_stack, single_plane, to_stack

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["GetMaxN", "NonMaximaSuppression"]

_FIRST_CHUNK = 64


def NonMaximaSuppression(src: Image, dst: Image) -> None:
    """Keep pixels that no neighbour exceeds; all others, and the frame of one pixel, become 0.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.

    Raises:
        EcvlError: no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.array([[9, 1, 1], [1, 5, 1], [1, 1, 1], [0, 2, 0], [0, 0, 0]]), "yx", 0)
        >>> NonMaximaSuppression(image, image)
        >>> np.array(image)[1:4, 1].tolist()
        [0, 0, 2]
    """
    stack = to_stack(src, "NonMaximaSuppression")
    found = np.zeros_like(stack)
    if min(stack.shape[:2]) > 2:
        rows = np.maximum(np.maximum(stack[:-2], stack[1:-1]), stack[2:])
        around = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
        middle = stack[1:-1, 1:-1]
        if stack.dtype.kind == "f":
            np.copyto(found[1:-1, 1:-1], middle, where=middle >= around)
        else:
            np.multiply(middle, middle >= around, out=found[1:-1, 1:-1])  # faster than a masked copy
    from_stack(src, dst, found)


def GetMaxN(src: Image, n: int) -> list[list[int]]:
    """Return where the largest elements are.

    Args:
        src: one plane.
        n: how many.

    Returns:
        Positions as [x, y], not in the order of their values. Of equal elements those met first, row by row, are taken.
        If there are fewer than ``n`` above the type's smallest number, the rest are [-1, -1].

    Raises:
        EcvlError: more than one plane, no x and y, or a negative ``n``.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> sorted(GetMaxN(Image.fromarray(np.array([[1, 2, 9], [8, 3, 4]], np.int32), "yx", 0), 2))
        [[0, 1], [2, 0]]
    """
    plane = single_plane(src, "GetMaxN")
    if n < 0:
        raise EcvlError(f"GetMaxN: n is {n}", allowed="0 or more")
    if n == 0:
        return []
    least: Any = -np.inf if plane.dtype.kind == "f" else int(np.iinfo(plane.dtype).min)
    # a heap of the original's kind, since its order is the order of the result
    heap: list[tuple[Any, int, int]] = [(least, -1, -1)] * int(n)
    width, flat = plane.shape[1], plane.reshape(-1)
    start, size = 0, _FIRST_CHUNK
    while start < flat.size:
        part = flat[start : start + size]
        for at in np.flatnonzero(part > heap[0][0]).tolist():
            value = part[at].item()
            if value > heap[0][0]:
                y, x = divmod(start + at, width)
                heapq.heappop(heap)
                heapq.heappush(heap, (value, x, y))
        start, size = start + size, size * 2
    return [[x, y] for _, x, y in heap]
