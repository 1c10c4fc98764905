"""A volume: voxels together with the place of each in the patient. Readers make it, writers take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.io.geometry import axis_codes, check_affine, direction_of, reorient_axes, spacing_of

if TYPE_CHECKING:
    from monai.data import MetaTensor

__all__ = ["Volume"]

_NDIM = (3, 4)


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels and where they are.

    Args:
        data: (D, H, W), or (C, D, H, W) with channels, colours or time points first. ``data[..., k, j, i]`` is slice k,
            row j, column i.
        affine: 4 x 4, maps (i, j, k) to the centre of that voxel in RAS+ millimetres.
        meta: what else the file said, by the file format's own names.
        unit: of the values, such as ``"HU"``; empty if the file does not say.

    Raises:
        DataError: another rank, or an affine that places nothing (zero spacing, not finite, axes in one plane).

    Example:
        >>> volume = Volume(np.zeros((3, 4, 5), np.int16), np.diag([1.0, 1.0, 2.5, 1.0]))
        >>> volume.spacing, volume.orientation, volume.reorient("LPS").orientation
        ((1.0, 1.0, 2.5), 'RAS', 'LPS')
    """

    data: np.ndarray
    affine: npt.NDArray[np.float64]
    meta: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""

    def __post_init__(self) -> None:
        if self.data.ndim not in _NDIM:
            raise DataError(f"a volume of shape {self.data.shape}", allowed="(D, H, W) or (C, D, H, W)")
        object.__setattr__(self, "affine", check_affine(self.affine))

    @property
    def shape(self) -> tuple[int, ...]:
        """(D, H, W) or (C, D, H, W)."""
        return self.data.shape

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres along i, j, k: between columns, rows, slices."""
        return spacing_of(self.affine)

    @property
    def origin(self) -> tuple[float, float, float]:
        """RAS+ millimetres of the centre of voxel (0, 0, 0)."""
        x, y, z = self.affine[:3, 3].tolist()
        return x, y, z

    @property
    def direction(self) -> npt.NDArray[np.float64]:
        """3 x 3 unit vectors of i, j, k in RAS+, one per column; not orthogonal for a tilted gantry."""
        return direction_of(self.affine)

    @property
    def orientation(self) -> str:
        """Where i, j, k point, such as ``"RAS"``."""
        return axis_codes(self.affine)

    def reorient(self, codes: str = "RAS") -> Volume:
        """Return the same voxels with i, j, k pointing where ``codes`` says; nothing is resampled.

        Raises:
            DataError: not an orientation.
        """
        data, affine = reorient_axes(self.data, self.affine, codes)
        return replace(self, data=data, affine=affine)

    def with_data(self, data: np.ndarray, *, unit: str | None = None) -> Volume:
        """Return other values at the same places, such as a mask predicted from this volume.

        Raises:
            DataError: the spatial shape differs.
        """
        if data.shape[-3:] != self.data.shape[-3:]:
            raise DataError(
                f"values of shape {data.shape} for a volume of {self.data.shape}", allowed="the same D, H, W"
            )
        return replace(self, data=data, unit=self.unit if unit is None else unit)

    def to_monai(self) -> MetaTensor:
        """Return MONAI's tensor: (C, W, H, D) with the same affine; memory is shared where the values allow it."""
        import torch
        from monai.data import MetaTensor

        data = self.data if self.data.ndim == _NDIM[1] else self.data[None]
        if min(data.strides) < 0 or not data.dtype.isnative:  # turned, or big endian: torch knows neither
            data = data.astype(data.dtype.newbyteorder("="), order="C")
        return MetaTensor(torch.from_numpy(data).permute(0, 3, 2, 1), affine=torch.from_numpy(self.affine.copy()))

    @classmethod
    def from_monai(cls, tensor: MetaTensor, *, meta: Mapping[str, Any] | None = None) -> Volume:
        """Return the volume that a MONAI tensor of shape (C, W, H, D) holds.

        Example:
            >>> import pytest; monai = pytest.importorskip("monai")
            >>> volume = Volume(np.arange(24).reshape(2, 3, 4), np.diag([1.0, 2.0, 3.0, 1.0]))
            >>> again = Volume.from_monai(volume.to_monai())
            >>> again.spacing, bool((again.data[0] == volume.data).all())
            ((1.0, 2.0, 3.0), True)
        """
        data = tensor.as_tensor().permute(0, 3, 2, 1).cpu().numpy()
        return cls(data, np.asarray(tensor.affine.cpu(), dtype=np.float64), meta or {})
