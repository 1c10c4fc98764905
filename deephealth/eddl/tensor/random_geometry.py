"""Random geometric changes of pictures, drawn for each picture of the batch."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.geometry import drawn
from deephealth.eddl.tensor.geometry import Geometry, coordinate_name, wrapping_name
from deephealth.eddl.tensor.modes import TransformationMode, WrappingMode
from deephealth.eddl.tensor.storage import Storage, T, check_same_shape, store

__all__ = ["RandomGeometry"]

_CONSTANT, _ASYMMETRIC = WrappingMode.Constant, TransformationMode.Asymmetric


class RandomGeometry(Geometry):
    """Random versions of the geometric changes; ``torch.manual_seed`` repeats them."""

    def shift_random(
        self: T,
        factor_x: Sequence[float],
        factor_y: Sequence[float],
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
    ) -> T:
        """Return the pictures moved by random parts of their size.

        Args:
            factor_x: smallest and largest part of the width, -1 to 1.
            factor_y: smallest and largest part of the height, -1 to 1.
            mode: what comes in from outside.
            cval: value for ``WrappingMode.Constant``.

        Raises:
            EddlError: a factor out of range, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 2, 2]).shift_random([0.5, 0.5], [0, 0]).sum()
            2.0
        """
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._wrap(drawn.shift_random(x, factor_x, factor_y, wrap=wrap, cval=cval))

    def rotate_random(
        self: T,
        factor: Sequence[float],
        offset_center: Sequence[int] = (0, 0),
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
    ) -> T:
        """Return the pictures turned by random angles.

        Args:
            factor: smallest and largest angle, degrees.
            offset_center: how far below and to the right of the middle the centre is, pixels.
            mode: what comes in from outside.
            cval: value for ``WrappingMode.Constant``.

        Raises:
            EddlError: no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 3, 3]).rotate_random([180, 180]).sum()
            9.0
        """
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._wrap(drawn.rotate_random(x, factor, center=offset_center, wrap=wrap, cval=cval))

    def scale_random(
        self: T,
        factor: Sequence[float],
        mode: WrappingMode | str = _CONSTANT,
        cval: float = 0.0,
        coordinate_transformation_mode: TransformationMode | str = _ASYMMETRIC,
    ) -> T:
        """Return the pictures scaled by random factors, in their old size.

        Args:
            factor: smallest and largest factor.
            mode: what comes in from outside.
            cval: value for ``WrappingMode.Constant``.
            coordinate_transformation_mode: how coordinates are mapped back.

        Raises:
            EddlError: a factor below 0, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 4, 4]).scale_random([0.5, 0.5]).sum()
            4.0
        """
        coordinate = coordinate_name(coordinate_transformation_mode)
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._wrap(drawn.scale_random(x, factor, wrap=wrap, cval=cval, coordinate=coordinate))

    def flip_random(self: T, axis: int) -> T:
        """Return the pictures, about half of them mirrored.

        Args:
            axis: 0 reverses the rows (top and bottom change), 1 the columns.

        Raises:
            EddlError: another axis, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2, 1, 3, 3]).flip_random(0).sum()
            18.0
        """
        return self._wrap(drawn.flip_random(self.torch.detach(), axis))

    @staticmethod
    def static_flip_random(A: RandomGeometry, B: Storage, axis: int) -> None:
        """Write ``A.flip_random(axis)`` into ``B``.

        Raises:
            EddlShapeError: ``B`` has another shape.
        """
        check_same_shape("Tensor::flip_random", A, B)
        store(B, A.flip_random(axis).torch)

    def crop_random(self: T, height: int, width: int, cval: float = 0.0, keep_size: bool = False) -> T:
        """Return a rectangle at a random place of each picture.

        Args:
            height: its height.
            width: its width.
            cval: value of the rest, if the size is kept.
            keep_size: the result has the old size, with the rectangle at its place.

        Raises:
            EddlError: larger than the picture, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3, 8, 8]).crop_random(4, 5).shape
            [2, 3, 4, 5]
        """
        return self._wrap(drawn.crop_random(self.torch.detach(), height, width, cval=cval, keep_size=keep_size))

    @staticmethod
    def static_crop_random(A: RandomGeometry, B: Storage) -> None:
        """Write a rectangle at a random place of each picture of ``A`` into ``B``, as large as ``B`` is.

        Raises:
            EddlError: larger than the picture, or no pictures.
        """
        store(B, A.crop_random(B.shape[-2], B.shape[-1]).torch)

    def crop_scale_random(
        self: T, factor: Sequence[float], mode: WrappingMode | str = _CONSTANT, cval: float = 0.0
    ) -> T:
        """Return a random rectangle of each picture, scaled to the old size.

        Args:
            factor: smallest and largest part of the height and width, 0 to 1.
            mode: no effect: nothing comes in from outside.
            cval: no effect.

        Raises:
            EddlError: a factor out of range, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3, 8, 8]).crop_scale_random([0.5, 0.8]).shape
            [2, 3, 8, 8]
        """
        x, wrap = self.torch.detach(), wrapping_name(mode)
        return self._wrap(drawn.crop_scale_random(x, factor, wrap=wrap, cval=cval))

    def cutout_random(self: T, factor_x: Sequence[float], factor_y: Sequence[float], cval: float = 0.0) -> T:
        """Return the pictures, each with a random rectangle painted over.

        Args:
            factor_x: smallest and largest part of the width, 0 to 1.
            factor_y: smallest and largest part of the height, 0 to 1.
            cval: what it is painted with.

        Raises:
            EddlError: a factor out of range, or no pictures.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1, 1, 4, 4]).cutout_random([1, 1], [1, 1]).sum()
            0.0
        """
        return self._wrap(drawn.cutout_random(self.torch.detach(), factor_x, factor_y, cval=cval))
