"""The table of losses: names to factories ``(class_counts, *, ...) -> module(logits, target) -> scalar``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deephealth.core.registry import Registry

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LOSSES"]

_CROSS_ENTROPY = "deephealth.losses.cross_entropy"
_FOCAL = "deephealth.losses.focal"
_OVERLAP = "deephealth.losses.overlap"
_DICE_CE = "deephealth.losses.dice_ce"
_TVERSKY = "deephealth.losses.tversky"
_CLASS_MAPS = "deephealth.losses.class_maps"
_MULTICLASS = "multiclass_segmentation"  # maps of class ids in 2-D and 3-D, a softmax over the channels

LOSSES: Registry[Callable[..., nn.Module]] = Registry("loss")
LOSSES.add(
    "cross_entropy",
    f"{_CROSS_ENTROPY}:cross_entropy",
    summary="softmax cross-entropy, with label smoothing and class weights",
    task="classification",
)
LOSSES.add(
    "focal",
    f"{_FOCAL}:focal",
    summary="cross-entropy that fades for easy samples",
    task="classification",
    paper="Lin 2017",
)
LOSSES.add(
    "logit_adjusted",
    f"{_CROSS_ENTROPY}:logit_adjusted",
    summary="cross-entropy whose logits are shifted by the class frequencies: aims at balanced accuracy",
    task="classification",
    paper="Menon 2021",
)
LOSSES.add(
    "balanced_softmax",
    f"{_CROSS_ENTROPY}:balanced_softmax",
    summary="logit_adjusted with tau 1",
    task="classification",
    paper="Ren 2020",
)
LOSSES.add("bce", f"{_OVERLAP}:bce", summary="binary cross-entropy per pixel", task="segmentation")
LOSSES.add("dice", f"{_OVERLAP}:dice", summary="1 - soft Dice", task="segmentation", paper="Milletari 2016")
LOSSES.add("dice_bce", f"{_OVERLAP}:dice_bce", summary="soft Dice plus cross-entropy per pixel", task="segmentation")
LOSSES.add("jaccard", f"{_OVERLAP}:jaccard", summary="1 - soft Jaccard", task="segmentation")
LOSSES.add(
    "jaccard_bce", f"{_OVERLAP}:jaccard_bce", summary="soft Jaccard plus cross-entropy per pixel", task="segmentation"
)
LOSSES.add(
    "tversky",
    f"{_OVERLAP}:tversky",
    summary="Dice with a price for each kind of mistake",
    task="segmentation",
    paper="Salehi 2017",
)
LOSSES.add(
    "dice_ce", f"{_DICE_CE}:dice_ce", summary="soft Dice plus cross-entropy, one pass over the logits", task=_MULTICLASS
)
LOSSES.add(
    "multiclass_dice",
    f"{_DICE_CE}:multiclass_dice",
    summary="1 - soft Dice, mean over classes",
    task=_MULTICLASS,
    paper="Milletari 2016",
)
LOSSES.add(
    "generalized_dice",
    f"{_CLASS_MAPS}:generalized_dice",
    summary="Dice in which rare classes weigh more",
    task=_MULTICLASS,
    paper="Sudre 2017",
)
LOSSES.add(
    "multiclass_focal",
    f"{_CLASS_MAPS}:multiclass_focal",
    summary="cross-entropy per voxel that fades for easy voxels",
    task=_MULTICLASS,
    paper="Lin 2017",
)
LOSSES.add(
    "multiclass_tversky",
    f"{_TVERSKY}:multiclass_tversky",
    summary="Dice with a price for each kind of mistake",
    task=_MULTICLASS,
    paper="Salehi 2017",
)
LOSSES.add(
    "focal_tversky",
    f"{_TVERSKY}:focal_tversky",
    summary="Tversky that holds on to classes that are nearly right",
    task=_MULTICLASS,
    paper="Abraham 2019",
)
LOSSES.add(
    "boundary",
    "deephealth.losses.boundary:boundary",
    summary="Dice plus cross-entropy plus distance from the true border",
    task=_MULTICLASS,
    paper="Kervadec 2019",
)
LOSSES.add(
    "hausdorff",
    f"{_CLASS_MAPS}:hausdorff",
    summary="squared error weighted by distances to the borders; slow",
    task=_MULTICLASS,
    paper="Karimi 2020",
)
