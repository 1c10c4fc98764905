"""What every back-end and the check are given: the image on the grid, its head, its brain, the fitted template."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.lake.faces.anatomy import brain_of, dilated, head_of, threshold_of, tissue_of
from deephealth.lake.faces.grid import STEP, BoolArray, Grid, to_grid
from deephealth.lake.faces.profile import Profile, find_profile
from deephealth.lake.faces.registration import Fit, fit_template

__all__ = ["LEAST_OVERLAP", "Scene"]

LEAST_OVERLAP = 0.86  # measured: 0.93 to 0.97 for drawn and mean heads, 0.82 for a skull-stripped brain


class Scene:
    """One head image; each part is found when it is first asked for.

    Args:
        voxels: (i, j, k).
        affine: 4 x 4, index to RAS+ millimetres.
        modality: DICOM modality.
    """

    def __init__(self, voxels: np.ndarray, affine: npt.NDArray[np.float64], modality: str) -> None:
        self.voxels, self.affine, self.modality = voxels, np.asarray(affine, np.float64), modality

    @cached_property
    def grid(self) -> Grid:
        """The image on the grid."""
        return to_grid(self.voxels, self.affine, self.modality)

    @cached_property
    def threshold(self) -> float:
        """Tissue is above."""
        return threshold_of(self.grid)

    @cached_property
    def tissue(self) -> BoolArray:
        """All tissue."""
        return tissue_of(self.grid, self.threshold)

    @cached_property
    def head(self) -> BoolArray:
        """The head, filled."""
        return head_of(self.grid)

    @cached_property
    def stripped(self) -> BoolArray:
        """The brain as the simple skull strip finds it."""
        return brain_of(self.grid, self.head)

    @cached_property
    def profile(self) -> Profile | None:
        """The root of the nose."""
        return find_profile(self.head)

    @cached_property
    def fit(self) -> Fit:
        """The fitted template.

        Raises:
            DataError: nothing like a head.
        """
        return fit_template(self.grid, self.head)

    def brain(self, slack: int) -> BoolArray:
        """Return the stripped brain, without what the template says can't be brain; the template's where there is none.

        Args:
            slack: steps the template's brain may be off; with many the eyes pass for brain, with few it is cut.

        Raises:
            DataError: no brain.
        """
        found = self.stripped & dilated(self.fit.brain, slack)
        if found.sum() < 0.4 * (self.fit.brain & self.grid.inside).sum():
            found = self.fit.brain & self.grid.inside
        if found.sum() * STEP**3 < 5e4:
            raise DataError("there is no brain in the image", allowed="at least 50 ml of it")
        return found

    def require_head(self) -> Fit:
        """Return the fit when it is good enough.

        Raises:
            DataError: not a head, or the crown is not in the image.
        """
        if self.fit.overlap < LEAST_OVERLAP:
            raise DataError(f"the outline fits a head by {self.fit.overlap:.2f}", allowed=f"at least {LEAST_OVERLAP}")
        return self.fit
