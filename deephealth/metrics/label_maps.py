"""What a prediction and a reference look like when they reach a metric, and what is wrong with them if they can't.

Formats, as torchmetrics names them: ``index`` (both are class numbers), ``one-hot`` (both have a channel per class),
``mixed`` (one of each); and two more: ``logits`` (the prediction has a channel per class, of which the largest counts,
and the reference class numbers) and ``masks`` (both have a channel per class, and the channels may overlap: each is
measured by itself).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch

from deephealth.core.errors import DataError

__all__ = ["FORMATS", "InputFormat", "LabelMaps", "check_ids", "label_maps"]

InputFormat = Literal["index", "one-hot", "mixed", "logits", "masks"]
FORMATS = ("index", "one-hot", "mixed", "logits", "masks")

_NAMED = 10  # of the ids that are out of range


class LabelMaps(NamedTuple):
    """A batch of label maps, N×D×H×W or N×H×W, uint8 or int16; class ``void`` is what belongs to no class.

    Args:
        prediction: N maps.
        reference: N maps.
        void: the number after the last class.
    """

    prediction: torch.Tensor
    reference: torch.Tensor
    void: int


def label_maps(
    preds: torch.Tensor,
    target: torch.Tensor,
    num_classes: int,
    *,
    input_format: InputFormat = "index",
    ignore_index: int | None = None,
) -> LabelMaps:
    """Bring a prediction and a reference to label maps.

    Args:
        preds: B×spatial class numbers (a channel of 1 may stand after B in 3-D), or B×C×spatial; spatial is D×H×W or
            H×W. A single slice (D = 1) is measured in its plane, as H×W.
        target: likewise.
        num_classes: with the background.
        input_format: see the module.
        ignore_index: where the reference carries this number, neither map belongs to any class.

    Returns:
        Maps without channel. For ``masks`` N is B·C, channel by channel, and the only classes are 0 and 1.

    Raises:
        DataError: shapes that differ, class numbers out of range (named, with counts), logits that are not numbers,
            channels that overlap.

    Example:
        >>> maps = label_maps(torch.tensor([[[[2.0, 0.0]], [[1.0, 3.0]]]]), torch.tensor([[[0, 1]]]), 2,
        ...                   input_format="logits")
        >>> maps.prediction.tolist(), maps.reference.tolist()
        ([[[0, 1]]], [[[0, 1]]])
    """
    if input_format == "masks":
        return _masks(preds, target, num_classes)
    dims = _spatial_dims(preds, target, input_format)
    ignored = None
    if ignore_index is not None and not _has_channels(target, dims, input_format, is_target=True):
        target = _squeezed(target, dims, "the reference")
        ignored = target == ignore_index
        target = torch.where(ignored, torch.zeros_like(target), target)
    said = _indexed(preds, dims, num_classes, "the prediction", input_format, is_target=False)
    true = _indexed(target, dims, num_classes, "the reference", input_format, is_target=True)
    if said.shape != true.shape:
        raise DataError(
            f"the prediction is {tuple(preds.shape)} and the reference {tuple(target.shape)}",
            allowed="the same batch and spatial sizes",
            hint="predict in source size, and check that image and reference belong together",
        )
    if ignored is None and ignore_index is not None:
        ignored = true == ignore_index
    if ignored is not None:
        said, true = said.masked_fill(ignored, num_classes), true.masked_fill(ignored, num_classes)
    if dims == 3 and said.shape[1] == 1:
        said, true = said[:, 0], true[:, 0]
    return LabelMaps(said, true, num_classes)


def check_ids(labels: torch.Tensor, low: int, high: int, what: str) -> None:
    """Raise if a label map holds numbers outside [low, high).

    Raises:
        DataError: with these numbers and how often each occurs.
    """
    if not labels.numel():
        return
    if labels.is_floating_point() or labels.is_complex():
        raise DataError(f"{what} holds {labels.dtype}, not class numbers", hint="input_format='logits' takes scores")
    if labels.dtype == torch.bool:
        least, most = int(labels.min()), int(labels.max())
    else:
        least, most = (int(one) for one in labels.aminmax())
    if low <= least and most < high:
        return
    wrong, counts = labels[(labels < low) | (labels >= high)].unique(return_counts=True)
    listed = ", ".join(
        f"{one} ({count}×)" for one, count in zip(wrong.tolist()[:_NAMED], counts.tolist(), strict=False)
    )
    more = f" and {len(wrong) - _NAMED} others" if len(wrong) > _NAMED else ""
    raise DataError(
        f"{what} holds class numbers out of range: {listed}{more}",
        allowed=f"{low} to {high - 1}",
        hint="set num_classes, or ignore_index for the voxels that don't count",
    )


def _has_channels(one: torch.Tensor, dims: int, input_format: InputFormat, *, is_target: bool) -> bool:
    if input_format == "mixed":
        return one.ndim == dims + 2 and one.shape[1] > 1
    return input_format == "one-hot" or (input_format == "logits" and not is_target)


def _spatial_dims(preds: torch.Tensor, target: torch.Tensor, input_format: InputFormat) -> int:
    """Class numbers in four dimensions are volumes; a map with a channel per class has one dimension more."""
    if input_format == "index":
        dims = min(preds.ndim - 1, 3)
    elif input_format == "mixed":
        dims = max(preds.ndim, target.ndim) - 2
    else:
        dims = preds.ndim - 2
    if dims not in (2, 3):
        raise DataError(
            f"the prediction is {tuple(preds.shape)} and the reference {tuple(target.shape)}, as {input_format}",
            allowed="B×D×H×W or B×H×W class numbers, B×C×D×H×W or B×C×H×W channels",
        )
    return dims


def _squeezed(labels: torch.Tensor, dims: int, what: str) -> torch.Tensor:
    if labels.ndim == dims + 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != dims + 1:
        raise DataError(f"{what} is {tuple(labels.shape)}", allowed=f"B and {dims} spatial sizes of class numbers")
    return labels


def _indexed(
    one: torch.Tensor, dims: int, num_classes: int, what: str, input_format: InputFormat, *, is_target: bool
) -> torch.Tensor:
    """Return class numbers as uint8 where they fit (``void`` included)."""
    narrow = torch.uint8 if num_classes < 256 else torch.int16
    if not _has_channels(one, dims, input_format, is_target=is_target):
        labels = _squeezed(one, dims, what)
        check_ids(labels, 0, num_classes, what)
        found = labels.detach().to(narrow)
    else:
        if one.ndim != dims + 2 or one.shape[1] != num_classes:
            raise DataError(f"{what} is {tuple(one.shape)}", allowed=f"B×{num_classes} and {dims} spatial sizes")
        found = _largest(one, what) if input_format == "logits" else _from_one_hot(one, what)
        found = found.to(narrow)
    if 0 in found.shape[1:]:
        raise DataError(f"{what} has no voxels: {tuple(one.shape)}", allowed="at least one voxel")
    return found


def _largest(logits: torch.Tensor, what: str) -> torch.Tensor:
    strange = int(logits.isnan().sum()) if logits.is_floating_point() else 0
    if strange:
        raise DataError(f"{what} holds {strange} NaN among {logits.numel()} logits", allowed="numbers")
    return logits.detach().argmax(1)


def _binary(one: torch.Tensor, what: str) -> torch.Tensor:
    if one.dtype == torch.bool:
        return one
    found = one != 0
    if not bool((one == found).all()):
        wrong = one[one != found]
        raise DataError(f"{what} holds {wrong.numel()} values such as {wrong[0].item():g}", allowed="0 and 1")
    return found


def _from_one_hot(one: torch.Tensor, what: str) -> torch.Tensor:
    """A voxel that is in no channel belongs to no class."""
    mask = _binary(one.detach(), what)
    held = mask.sum(1, dtype=torch.int32)
    crowded = int((held > 1).sum())
    if crowded:
        raise DataError(
            f"{what} has {crowded} voxels in several channels", hint="input_format='masks' measures channels one by one"
        )
    return torch.where(held > 0, mask.to(torch.uint8).argmax(1), mask.shape[1])


def _masks(preds: torch.Tensor, target: torch.Tensor, num_classes: int) -> LabelMaps:
    if preds.shape != target.shape or preds.ndim not in (4, 5) or preds.shape[1] != num_classes:
        raise DataError(
            f"the prediction is {tuple(preds.shape)} and the reference {tuple(target.shape)}, as masks",
            allowed=f"both B×{num_classes}×D×H×W or B×{num_classes}×H×W",
        )
    said, true = (
        _binary(one.detach(), what).flatten(0, 1).to(torch.uint8)
        for one, what in ((preds, "the prediction"), (target, "the reference"))
    )
    if 0 in said.shape[1:]:
        raise DataError(f"the masks have no voxels: {tuple(preds.shape)}", allowed="at least one voxel")
    return LabelMaps(*((said[:, 0], true[:, 0]) if said.ndim == 4 and said.shape[1] == 1 else (said, true)), 2)
