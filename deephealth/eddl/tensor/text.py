"""What a tensor writes about itself: values and facts, to standard output, in the original's form."""

from __future__ import annotations

import sys

import numpy as np

from deephealth.eddl.tensor.devices import device_kind
from deephealth.eddl.tensor.storage import Storage

__all__ = ["Text"]

_MOST_ROWS = 100_000
_GAPS = {0: " ", 2: "\n", 3: "\n\n"}


def _edges(size: int, strides: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return how many brackets open before and close after each element."""
    places = np.arange(size)
    opened, closed = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for step in strides[:-1]:
        opened += places % step == 0
        closed += (places + 1) % step == 0
    return opened, closed


def _formatted(values: np.ndarray, strides: list[int], precision: int) -> str:
    size, ndim = values.size, len(strides)
    opened, closed = _edges(size, strides)
    pieces = []
    before = 0
    for at, value in enumerate(values.tolist()):
        if opened[at] and before == 1:
            pieces.append("\n" if ndim == 2 else " ")
        before = int(closed[at])
        pieces.append(f"{'[' * opened[at]}{value:.{precision}f}{']' * before}")
        if at + 1 < size:
            pieces.append(_GAPS.get(before, "" if before == 1 else "\n\n\n"))
    return "".join(pieces)


class Text(Storage):
    """Printing."""

    def print(self, precision: int = 6, raw: bool = False) -> None:
        """Write the values to standard output.

        Args:
            precision: digits after the point.
            raw: all values in one row, without inner brackets.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2]).print(2)
            [1.00 1.00]
        """
        values = self.torch.detach().cpu().reshape(-1).numpy()
        strides = self.stride
        rows_written = self.shape[0] if self.ndim else 1
        note = ""
        if raw:
            body = "".join(f"{value:.{precision}f}, " for value in values.tolist())
        else:
            if rows_written > _MOST_ROWS:
                note = f"Maximum tensor length exceeded.\nPrinting only first {_MOST_ROWS} rows:\n"
                values = values[: _MOST_ROWS * strides[0]]
            body = _formatted(values, strides, precision)
        sys.stdout.write(f"{note}[\n{body}\n]\n" if self.ndim > 1 else f"{note}[{body}]\n")

    def info(self) -> None:
        """Write shape, strides, device and the like to standard output.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2, 3]).info()  # doctest: +ELLIPSIS
            -------------------------------
            class:         Tensor
            ndim:          2
            shape:         (2, 3)
            ...
        """
        line = "-" * 31
        facts = {
            "class": "Tensor",
            "ndim": self.ndim,
            "shape": f"({', '.join(map(str, self.shape))})",
            "strides": f"({', '.join(map(str, self.stride))})",
            "itemsize": self.size,
            "contiguous": int(self.torch.is_contiguous()),
            "order": "C",
            "data pointer": hex(self.torch.data_ptr()),
            "is shared": int(self.isshared),
            "type": "float (4 bytes)",
            "device": f"{device_kind(self.device)} (code = {self.device})",
        }
        rows = [f"{f'{name}: ':{0 if name == 'is shared' else 15}}{value}" for name, value in facts.items()]
        sys.stdout.write("\n".join([line, *rows, line]) + "\n")

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.torch.detach().cpu().numpy(), separator=', ', threshold=20)})"
