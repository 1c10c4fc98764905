"""Checks that logits and targets fit together, with messages that say what was expected."""

from __future__ import annotations

import torch

from deephealth.core.errors import DataError
from deephealth.kernels.dice_ce_input import check_ids, checked_labels

__all__ = ["check_classes", "check_masks", "checked_counts", "checked_class_map"]


def check_classes(logits_bk: torch.Tensor, target: torch.Tensor) -> None:
    """Accept class indices B, or class shares B×K (mixed samples), for logits B×K.

    Raises:
        DataError: anything else.
    """
    batch = logits_bk.shape[:1]
    indices = target.shape == batch and not target.is_floating_point()
    shares = target.shape == logits_bk.shape and target.is_floating_point()
    if logits_bk.ndim != 2 or not (indices or shares):
        raise DataError(
            f"the loss got logits {tuple(logits_bk.shape)} and a target {tuple(target.shape)} of {target.dtype}",
            allowed="logits B×K with class indices B (int64), or class shares B×K (float)",
            hint="is a segmentation mask being fed to a classification loss?",
        )


def check_masks(logits_bchw: torch.Tensor, target: torch.Tensor) -> None:
    """Accept masks of the same shape as the logits B×C×H×W.

    Raises:
        DataError: anything else.
    """
    if logits_bchw.ndim != 4 or target.shape != logits_bchw.shape:
        raise DataError(
            f"the loss got logits {tuple(logits_bchw.shape)} and a mask {tuple(target.shape)}",
            allowed="both B×C×H×W, equal in every axis",
            hint="does the data set have masks, and is the task segmentation?",
        )


def checked_class_map(logits: torch.Tensor, target: torch.Tensor, *, ignore_index: int | None = None) -> torch.Tensor:
    """Return class ids as B×1×spatial, for logits B×K×spatial of at least two classes.

    Args:
        logits: B×K×spatial.
        target: ids, B×spatial or B×1×spatial.
        ignore_index: an id that is allowed besides.

    Raises:
        DataError: shapes or types that don't fit, ids that no class has (with how often), logits that are not finite.
    """
    ids = checked_labels(logits, target, exclusive=True, ignored=ignore_index)
    if ids.shape[1] != 1:
        raise DataError(
            f"the loss got logits {tuple(logits.shape)} and shares of classes {tuple(target.shape)}",
            allowed="class ids B×spatial or B×1×spatial",
            hint="shares.argmax(1)",
        )
    check_ids(ids, logits.shape[1], ignore_index)
    if not bool(logits.detach().isfinite().all()):
        raise DataError(f"the loss got logits {tuple(logits.shape)} with NaN or infinity", allowed="finite numbers")
    return ids


def checked_counts(class_counts: list[int]) -> torch.Tensor:
    """Return the counts as float64 and refuse classes without a sample.

    Raises:
        DataError: no class, or a class that training never sees.
    """
    empty = [str(position) for position, count in enumerate(class_counts) if count <= 0]
    if empty or not class_counts:
        raise DataError(
            f"the training split has no sample of class number {', '.join(empty) or '0'}",
            allowed="at least one sample of every class, since the loss divides by class frequencies",
            hint="choose loss.name=cross_entropy without class_weights, or another split",
        )
    return torch.tensor(class_counts, dtype=torch.float64)
