"""Floor 2: losses, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.losses.boundary import Boundary, signed_distances
    from deephealth.losses.build import build_loss
    from deephealth.losses.catalogue import LOSSES
    from deephealth.losses.class_maps import ClassMapLoss, VoxelFocal
    from deephealth.losses.deep_supervision import DeepSupervision, downsample_labels, supervision_weights
    from deephealth.losses.dice_ce import DiceCE
    from deephealth.losses.tversky import Tversky

__all__ = [
    "LOSSES",
    "Boundary",
    "ClassMapLoss",
    "DeepSupervision",
    "DiceCE",
    "Tversky",
    "VoxelFocal",
    "build_loss",
    "downsample_labels",
    "signed_distances",
    "supervision_weights",
]

_HOMES = {
    "LOSSES": "catalogue",
    "Boundary": "boundary",
    "ClassMapLoss": "class_maps",
    "DeepSupervision": "deep_supervision",
    "DiceCE": "dice_ce",
    "Tversky": "tversky",
    "VoxelFocal": "class_maps",
    "build_loss": "build",
    "downsample_labels": "deep_supervision",
    "signed_distances": "boundary",
    "supervision_weights": "deep_supervision",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
