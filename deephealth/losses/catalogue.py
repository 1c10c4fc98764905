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
