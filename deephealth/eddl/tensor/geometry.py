"""Moving, turning, scaling, flipping and cutting pictures (batch x channels x height x width)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import COORDINATES, WRAPPINGS, coordinate_mode, wrapping_mode
from deephealth.eddl.tensor.modes import TransformationMode, WrappingMode
from deephealth.eddl.tensor.storage import Storage, check_same_shape, store

__all__ = ["Geometry", "coordinate_name", "wrapping_name"]

_CONSTANT, _ASYMMETRIC = WrappingMode.Constant, TransformationMode.Asymmetric


def wrapping_name(mode: WrappingMode | int | str) -> str:
    """Return the name of a wrapping mode.

    Example:
        >>> wrapping_name(WrappingMode.Nearest)
        'nearest'
    """
    return wrapping_mode(mode) if isinstance(mode, str) else _by_number("WrappingMode", mode, WRAPPINGS)


def coordinate_name(mode: TransformationMode | int | str) -> str:
    """Return the name of a coordinate transformation mode.

    Example:
        >>> coordinate_name(TransformationMode.HalfPixel)
        'half_pixel'
    """
    return coordinate_mode(mode) if isinstance(mode, str) else _by_number("TransformationMode", mode, COORDINATES)


def _by_number(kind: str, mode: int, names: Sequence[str]) -> str:
    if not 0 <= mode < len(names):
        raise EddlValueError(f"{mode} is no {kind}", allowed=f"0 to {len(names) - 1}, or {', '.join(names)}")
    return names[mode]


class Geometry(Storage):
    """Geometric changes of pictures."""

    def shift(self, shift: Sequence[int], mode: WrappingMode | str = _CONSTANT, cval: float = 0.0) -> Self:
        """Return the pictures moved.

        Args:
            shift: pixels down and to the right.
            mode: what comes in from outside.
            cval: value for ``WrappingMode.Constant``.

        Raises:
            EddlError: as far as the picture is large, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[[[1, 2]]]]).shift([0, 1]).getdata().tolist()
            [[[[0.0, 1.0]]]]
        """
        return self._new(geometry.shift(self.torch.detach(), shift, wrap=wrapping_name(mode), cval=cval))

    def rotate(
        self,
        angle: float,
        offset_center: Sequence[int] = (0, 0),
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
    ) -> Self:
        """Return the pictures turned.

        Args:
            angle: degrees.
            offset_center: how far below and to the right of the middle the centre is, pixels.
            mode: what comes in from outside.
            cval: value for ``WrappingMode.Constant``.

        Raises:
            EddlError: no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 3, 3]).rotate(180.0).sum()
            9.0
        """
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._new(geometry.rotate(x, float(angle), center=offset_center, wrap=wrap, cval=cval))

    def scale(
        self,
        new_shape: Sequence[int],
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
        coordinate_transformation_mode: TransformationMode | str = _ASYMMETRIC,
        keep_size: bool = False,
    ) -> Self:
        """Return the pictures in another size; each pixel takes the value of one of the original.

        Args:
            new_shape: new height and width.
            mode: what comes in from outside when the size is kept and the picture shrinks.
            cval: value for ``WrappingMode.Constant``.
            coordinate_transformation_mode: how coordinates are mapped back.
            keep_size: the result has the old size, with the scaled picture in the middle or its middle part.

        Raises:
            EddlError: a size below 1, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 3, 4, 5]).scale([8, 10]).shape
            [1, 3, 8, 10]
        """
        scaled = geometry.scale(
            self.torch.detach(),
            new_shape,
            wrap=wrapping_name(mode),
            cval=cval,
            coordinate=coordinate_name(coordinate_transformation_mode),
            keep_size=keep_size,
        )
        return self._new(scaled)

    def flip(self, axis: int = 0) -> Self:
        """Return the pictures mirrored.

        Args:
            axis: 0 reverses the rows (top and bottom change), 1 the columns.

        Raises:
            EddlError: another axis, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[[[1, 2]]]]).flip(1).getdata().tolist()
            [[[[2.0, 1.0]]]]
        """
        return self._new(geometry.flip(self.torch.detach(), axis))

    @staticmethod
    def static_flip(A: Geometry, B: Storage, axis: int = 0) -> None:
        """Write ``A.flip(axis)`` into ``B``.

        Raises:
            EddlShapeError: ``B`` has another shape.
        """
        check_same_shape("Tensor::flip", A, B)
        store(B, A.flip(axis).torch)

    def crop(
        self, coords_from: Sequence[int], coords_to: Sequence[int], cval: float = 0.0, keep_size: bool = False
    ) -> Self:
        """Return a rectangle of the pictures.

        Args:
            coords_from: its first row and column.
            coords_to: its last row and column (they belong to it).
            cval: value of the rest, if the size is kept.
            keep_size: the result has the old size, with the rectangle at its place.

        Raises:
            EddlError: outside the picture, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 3, 4, 5]).crop([1, 1], [2, 3]).shape
            [1, 3, 2, 3]
        """
        return self._new(geometry.crop(self.torch.detach(), coords_from, coords_to, cval=cval, keep_size=keep_size))

    def crop_scale(
        self,
        coords_from: Sequence[int],
        coords_to: Sequence[int],
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
    ) -> Self:
        """Return a rectangle of the pictures, scaled to the old size.

        Args:
            coords_from: its first row and column.
            coords_to: its last row and column (they belong to it).
            mode: no effect: nothing comes in from outside.
            cval: no effect.

        Raises:
            EddlError: outside the picture, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 3, 4, 5]).crop_scale([1, 1], [2, 3]).shape
            [1, 3, 4, 5]
        """
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._new(geometry.crop_scale(x, coords_from, coords_to, wrap=wrap, cval=cval))

    def cutout(self, coords_from: Sequence[int], coords_to: Sequence[int], cval: float = 0.0) -> Self:
        """Return the pictures with a rectangle painted over.

        Args:
            coords_from: its first row and column.
            coords_to: its last row and column (they belong to it).
            cval: what it is painted with.

        Raises:
            EddlError: outside the picture, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 3, 3]).cutout([0, 0], [1, 1]).sum()
            5.0
        """
        return self._new(geometry.cutout(self.torch.detach(), coords_from, coords_to, cval=cval))

    def pad(self, pads: Sequence[int], cval: float = 0.0) -> Self:
        """Return the pictures with a border.

        Args:
            pads: pixels at the top and bottom, left and right; or at the top, right, bottom, left.
            cval: value of the border.

        Raises:
            EddlError: a negative border, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 3, 4, 5]).pad([1, 2]).shape
            [1, 3, 6, 9]
        """
        return self._new(geometry.pad(self.torch.detach(), pads, cval))

    def _new(self, x: torch.Tensor) -> Self:
        """Return a tensor with memory of its own."""
        own = x.clone() if x.untyped_storage().data_ptr() == self.torch.untyped_storage().data_ptr() else x
        return self._wrap(own.contiguous())
