"""What logits, labels and weights of :mod:`deephealth.kernels.dice_ce` must be, and what is said when they are not."""

from __future__ import annotations

import torch

from deephealth.core.errors import DataError

__all__ = ["check_found", "check_ids", "checked_labels", "checked_weights"]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LISTED = 10  # ids that a message names


def checked_labels(logits: torch.Tensor, labels: torch.Tensor, *, exclusive: bool, ignored: int | None) -> torch.Tensor:
    """Return the labels as ids B×1×spatial or shares B×K×spatial, without looking at their values.

    Args:
        logits: B×K×spatial.
        labels: B×spatial, B×1×spatial or B×K×spatial.
        exclusive: whether a softmax is taken.
        ignored: the id that does not count.

    Raises:
        DataError: shapes or types that don't fit, nothing in the batch, one class under a softmax, an ignored id with
            shares.
    """
    got = f"the loss got logits {_shape(logits)} and labels {_shape(labels)}"
    allowed = "logits B×K×spatial (float), with ids B×spatial or B×1×spatial (whole numbers) or shares B×K×spatial"
    if logits.ndim < 3 or logits.dtype not in _FLOATS or labels.dtype.is_complex:
        raise DataError(got, allowed=allowed)
    if labels.ndim == logits.ndim - 1:
        labels = labels.unsqueeze(1)
    if labels.shape[0] != logits.shape[0] or labels.shape[2:] != logits.shape[2:]:
        raise DataError(got, allowed=allowed, hint="the batch and the spatial axes must be equal")
    if labels.shape[1] not in (1, logits.shape[1]):
        raise DataError(got, allowed=allowed, hint="the second axis of the labels has 1 or K entries")
    if logits.numel() == 0:
        raise DataError(f"{got}: there is nothing to take a mean of", hint="leave empty batches out")
    if exclusive and logits.shape[1] == 1:
        raise DataError(f"{got}: under a softmax a single class always has probability 1", hint="activation='sigmoid'")
    shares = labels.is_floating_point()
    if shares and labels.shape[1] != logits.shape[1]:
        raise DataError(got, allowed=allowed, hint="ids as floats may be rounded: give labels.to(torch.uint8)")
    if ignored is not None and (shares or labels.shape[1] > 1):
        raise DataError(f"{got}: shares of classes have no id {ignored} that could be ignored", allowed="class ids")
    return labels


def checked_weights(weights: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Return the weights where the logits are, in float64 on a processor and float32 elsewhere.

    Raises:
        DataError: not one per class, negative, not finite, or all 0.
    """
    weights = weights.to(logits.device, torch.float64 if logits.device.type == "cpu" else torch.float32)
    classes = logits.shape[1] if logits.ndim > 1 else 0
    if weights.shape != (classes,):
        raise DataError(f"the loss got weights {tuple(weights.shape)} for {classes} classes", allowed="one per class")
    if not bool((weights >= 0).all() & weights.isfinite().all() & (weights > 0).any()):
        raise DataError(
            f"the class weights are {[round(w, 6) for w in weights.tolist()]}",
            allowed="finite numbers from 0 up, at least one of them above 0",
        )
    return weights


def check_found(
    logits: torch.Tensor, labels: torch.Tensor, sums: torch.Tensor, seen: torch.Tensor, ignored: int | None
) -> None:
    """Look at what the pass over the voxels found; only when that is bad are they looked at again, to say what it is.

    Args:
        logits: B×K×spatial.
        labels: B×1×spatial or B×K×spatial.
        sums: B×5×K; NaN or infinity in the logits shows in them.
        seen: B×2, voxels that are ignored and that are of no class.
        ignored: the id that does not count.

    Raises:
        DataError: ids that no class has, or NaN or infinity.
    """
    strange = seen[:, 1].sum()
    if bool((strange == 0) & sums.detach().isfinite().all()):  # one answer from the device
        return
    if int(strange):
        check_ids(labels, logits.shape[1], ignored)
    for name, values in (("logits", logits), ("labels", labels)):
        nan, infinite = int(values.isnan().sum()), int(values.isinf().sum())
        if nan or infinite:
            raise DataError(
                f"the {name} {tuple(values.shape)} hold {nan} NaN and {infinite} infinite values",
                allowed="finite numbers",
                hint="lower the learning rate or clip gradients; to mask a class, set its logit to -1e4",
            )


def check_ids(labels: torch.Tensor, classes: int, ignored: int | None) -> None:
    """Look for ids that no class has: a pass over the labels, for losses whose kernel does not count them on its way.

    Args:
        labels: ids, any shape.
        classes: how many there are; of one class, 0 and 1 are ids.
        ignored: an id that is allowed besides.

    Raises:
        DataError: there are such ids; they are named, with how often they occur.

    Example:
        >>> check_ids(torch.tensor([0, 1, 255]), 2, ignored=255)
    """
    last = max(classes - 1, 1)
    strange = (labels < 0) | (labels > last)
    if ignored is not None:
        strange &= labels != ignored
    if not bool(strange.any()):
        return
    ids, counts = labels[strange].long().unique(return_counts=True)
    pairs = list(zip(ids.tolist(), counts.tolist(), strict=True))
    listed = ", ".join(f"{name} ({count} voxel{'s' if count != 1 else ''})" for name, count in pairs[:_LISTED])
    more = f" and {len(pairs) - _LISTED} more" if len(pairs) > _LISTED else ""
    raise DataError(
        f"the labels hold ids that no class has: {listed}{more}",
        allowed=f"0 to {last}" + (f", and {ignored}, which is ignored" if ignored is not None else ""),
        hint=f"the logits have {classes} channel{'s' if classes != 1 else ''}; give ignore_index, or map the ids",
    )


def _shape(tensor: torch.Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"
