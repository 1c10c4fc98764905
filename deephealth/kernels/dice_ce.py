"""Soft Dice and cross-entropy of label maps in one pass over the logits.

**Contract.** Everything that these losses (and Jaccard, Tversky, generalised Dice) need of a volume are five sums per
sample and class, so the hot spot is two functions: the sums, and the gradient of the logits given the gradients of the
sums. What is left is arithmetic on B×K numbers in plain torch.

* Shapes: logits B×K×spatial (1 to 3 axes), labels B×spatial or B×1×spatial of class ids, or B×K×spatial of shares.
* Types: logits float16, bfloat16 (both computed as float32), float32, float64; ids of any whole number type; shares of
  any type. The gradient has the logits' type and layout.
* Bytes moved: forward reads logits and labels once; backward reads both again and writes the gradient. Kept between the
  two: the logits and labels that were given, and the sums. No one-hot, no softmax, no copy: what is not contiguous
  (channels-last, crops) or of half precision is widened a stretch at a time. Triton copies crops, not channels-last.
* Error: below 1e-5 of the loss, and below 1e-5 of the gradient's largest entry, against float64. Sums are added in
  float64 over fixed stretches: the same bits for any number of threads.
* Gradients of gradients work, through the reference.

Source of the losses: Milletari et al., "V-Net", 3DV 2016; MONAI's ``DiceCELoss``, whose numbers these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch.nn import functional

from deephealth.core.errors import ConfigError
from deephealth.kernels import dice_ce_compiled, dice_ce_triton
from deephealth.kernels.compilers import Version, version_for
from deephealth.kernels.dice_ce_input import check_found, checked_labels, checked_weights

__all__ = ["ClassSums", "DiceCESettings", "class_sums", "dice_ce", "reference"]

Activation = Literal["softmax", "sigmoid"]
_NONE = -(2**63)  # stands for "no id is ignored"


class ClassSums(NamedTuple):
    """Sums over the voxels of each sample, B×K; those of ignored ids don't count. Float64 on a processor.

    Args:
        overlap: of prediction times truth.
        predicted: of the prediction, or of its square.
        true: of the truth, or of its square.
        cost: of truth times ``-log p``.
        every: softmax: of ``-log p``, for label smoothing; sigmoid: of (1 - truth) times ``-log(1 - p)``.
        voxels: B, how many voxels count.
    """

    overlap: torch.Tensor
    predicted: torch.Tensor
    true: torch.Tensor
    cost: torch.Tensor
    every: torch.Tensor
    voxels: torch.Tensor


@dataclass(frozen=True)
class DiceCESettings:
    """What the loss is; names and numbers are those of ``monai.losses.DiceCELoss``.

    Args:
        activation: ``softmax`` for classes that exclude each other, ``sigmoid`` for one class or overlapping regions.
            Cross-entropy is binary under ``sigmoid`` (MONAI's stays a softmax when there are several classes).
        include_background: whether class 0 counts in Dice.
        batch: one Dice over the whole batch instead of one per sample.
        squared: squares in the denominator.
        jaccard: Jaccard instead of Dice.
        smooth_nr: added to the numerator.
        smooth_dr: added to the denominator.
        label_smoothing: 0 to below 1, of the cross-entropy; only with ``softmax``.
        lambda_dice: weight of Dice.
        lambda_ce: weight of cross-entropy.
        ignore_index: the id whose voxels count nowhere.

    Raises:
        ConfigError: a value that makes no sense; all of them at once.
    """

    activation: Activation = "softmax"
    include_background: bool = True
    batch: bool = False
    squared: bool = False
    jaccard: bool = False
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5
    label_smoothing: float = 0.0
    lambda_dice: float = 1.0
    lambda_ce: float = 1.0
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.activation not in ("softmax", "sigmoid"):
            problems.append(f"activation: '{self.activation}' is neither 'softmax' nor 'sigmoid'")
        if not 0 <= self.label_smoothing < 1:
            problems.append(f"label_smoothing: {self.label_smoothing:g} is not in [0, 1)")
        elif self.label_smoothing and self.activation == "sigmoid":
            problems.append("label_smoothing: only with activation 'softmax'")
        for name in ("smooth_nr", "smooth_dr", "lambda_dice", "lambda_ce"):
            if not 0 <= getattr(self, name) < float("inf"):
                problems.append(f"{name}: {getattr(self, name):g} is not a finite number from 0 up")
        if not problems and not self.lambda_dice + self.lambda_ce:
            problems.append("lambda_dice, lambda_ce: both are 0, nothing is left of the loss")
        if problems:
            raise ConfigError(problems, source="the loss")


def dice_ce(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor | None = None,
    *,
    settings: DiceCESettings | None = None,
    check: bool = True,
) -> torch.Tensor:
    """Return the weighted sum of soft Dice and cross-entropy, a scalar (float32, or float64 of float64 logits).

    A class that is neither predicted nor true costs nothing where ``smooth_dr`` is 0; a batch of ignored voxels alone
    has no cross-entropy.

    Args:
        logits: B×K×spatial.
        labels: class ids B×spatial or B×1×spatial (with one class: 0 and 1), or shares B×K×spatial.
        weights: K, one weight per class, for Dice and cross-entropy (under a sigmoid the latter's ``pos_weight``); Dice
            of a single class takes none, as in MONAI.
        settings: what the loss is; Dice plus cross-entropy under a softmax if not given.
        check: look at ids and at NaN. It costs nothing on a processor; on an accelerator the program waits for it. If
            it is off, voxels of strange ids are left out.

    Raises:
        DataError: shapes or types that don't fit, ids that no class has (with how often), NaN or infinity in the
            logits, an empty batch, weights that are negative or all 0, one class under a softmax.
        DeviceError: tensors on several devices.

    Example:
        >>> logits = torch.tensor([[[2.0, -1.0, 0.0], [0.0, 1.0, 0.5]]])  # one sample, two classes, three voxels
        >>> f"{dice_ce(logits, torch.tensor([[0, 1, 1]])):.4f}"
        '0.4572'
    """
    settings = settings or DiceCESettings()
    weights = None if weights is None else checked_weights(weights, logits)
    sums = class_sums(
        logits,
        labels,
        activation=settings.activation,
        squared=settings.squared,
        ignore_index=settings.ignore_index,
        check=check,
    )
    weights = None if weights is None else weights.to(sums.overlap.dtype)
    loss = sums.overlap.new_zeros(())
    if settings.lambda_dice:
        loss = loss + settings.lambda_dice * _dice(sums, weights, settings)
    if settings.lambda_ce:
        shares = labels.is_floating_point() or (labels.ndim == logits.ndim and labels.shape[1] > 1)
        loss = loss + settings.lambda_ce * _cross_entropy(sums, weights, settings, shares=shares)
    return loss.to(torch.float64 if logits.dtype == torch.float64 else torch.float32)


def class_sums(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    activation: Activation = "softmax",
    squared: bool = False,
    ignore_index: int | None = None,
    check: bool = True,
) -> ClassSums:
    """Return what overlap losses need of a volume, in one pass; differentiable in the logits.

    Args:
        logits: B×K×spatial.
        labels: as in :func:`dice_ce`, and so the others.
        activation: ``softmax`` or ``sigmoid``.
        squared: sum squares of predictions and truths.
        ignore_index: the id whose voxels count nowhere.
        check: look at ids and at NaN.

    Raises:
        DataError, DeviceError: as :func:`dice_ce`.

    Example:
        >>> sums = class_sums(torch.zeros(1, 2, 4), torch.tensor([[0, 1, 1, 1]]))
        >>> sums.overlap.tolist(), sums.true.tolist()
        ([[0.5, 1.5]], [[1.0, 3.0]])
    """
    labels = checked_labels(logits, labels, exclusive=activation == "softmax", ignored=ignore_index)
    plan = _Plan(activation == "sigmoid", squared, _NONE if ignore_index is None else ignore_index)
    version = version_for(logits, labels)
    if version == "reference" or labels.requires_grad or torch.compiler.is_compiling():
        sums, seen = reference(logits, labels, plan.ignored, sigmoid=plan.sigmoid, squared=squared)
    else:
        sums, seen = _Sums.apply(logits, labels, plan._replace(version=version))
    if check and not torch.compiler.is_compiling():
        check_found(logits, labels, sums, seen, ignore_index)
    voxels = logits[0, 0].numel() - seen.sum(1)
    overlap, predicted, true, cost, every = sums.unbind(1)
    return ClassSums(overlap, predicted, true, cost, every, voxels.to(sums.dtype))


def reference(
    logits: torch.Tensor, labels: torch.Tensor, ignored: int, *, sigmoid: bool, squared: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sums B×5×K and counts B×2 (ignored, of no class) in plain torch; the definition of what is right.

    Args:
        logits: B×K×spatial.
        labels: ids B×1×spatial or shares B×K×spatial.
        ignored: the id that does not count.
        sigmoid: classes are not exclusive.
        squared: predictions and truths are squared in their sums.
    """
    x = logits.flatten(2)
    x = x if x.dtype == torch.float64 else x.float()
    y, inside, seen = _truth(labels.flatten(2), x, ignored)
    if sigmoid:
        p, cost, every = x.sigmoid(), functional.softplus(-x), functional.softplus(x) * (inside - y)
    else:
        cost = -functional.log_softmax(x, 1)
        p, every = (-cost).exp(), cost * inside
    p = p * inside
    terms = p * y, p * p if squared else p, y * y if squared else y, cost * y, every
    return torch.stack([term.sum(2) for term in terms], 1), seen


def _truth(labels: torch.Tensor, x: torch.Tensor, ignored: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return shares B×K×V, 1 for each voxel that counts B×1×V, and counts B×2 of those that don't."""
    classes = x.shape[1]
    if labels.is_floating_point() or labels.shape[1] > 1:
        return labels.to(x.dtype), x.new_ones(()), x.new_zeros((len(x), 2), dtype=torch.int64)
    labels = labels.long()
    channels = torch.arange(classes, device=x.device)[:, None] + (classes == 1)  # of one class, 1 is its foreground
    apart, known = labels == ignored, (labels >= 0) & (labels <= channels.max())
    inside = known & ~apart
    seen = torch.cat([apart, ~known & ~apart], 1).sum(2)
    return ((labels == channels) & inside).to(x.dtype), inside.to(x.dtype), seen


class _Plan(NamedTuple):
    sigmoid: bool
    squared: bool
    ignored: int
    version: Version = "compiled"


class _Sums(torch.autograd.Function):
    """The sums by the compiled version or Triton; keeps what it was given and nothing else."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, plan: _Plan) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(logits, labels)
        ctx.plan = plan
        kernel = dice_ce_triton if plan.version == "triton" else dice_ce_compiled
        sums, seen = kernel.class_sums(logits, labels, plan.ignored, sigmoid=plan.sigmoid, squared=plan.squared)
        ctx.mark_non_differentiable(seen)
        return sums, seen

    @staticmethod
    def backward(ctx: Any, pull: torch.Tensor, _: Any) -> tuple[torch.Tensor, None, None]:  # type: ignore[override]
        logits, labels = ctx.saved_tensors
        plan: _Plan = ctx.plan
        if torch.is_grad_enabled():  # a gradient of this gradient is wanted
            sums, _ = reference(logits, labels, plan.ignored, sigmoid=plan.sigmoid, squared=plan.squared)
            return *torch.autograd.grad(sums, logits, pull.to(sums.dtype), create_graph=True), None, None
        kernel = dice_ce_triton if plan.version == "triton" else dice_ce_compiled
        gradient = kernel.class_gradient(logits, labels, plan.ignored, pull, sigmoid=plan.sigmoid, squared=plan.squared)
        return gradient, None, None


def _dice(sums: ClassSums, weights: torch.Tensor | None, settings: DiceCESettings) -> torch.Tensor:
    skip = 0 if settings.include_background or sums.overlap.shape[1] == 1 else 1
    overlap, both = sums.overlap[:, skip:], (sums.predicted + sums.true)[:, skip:]
    if settings.batch:
        overlap, both = overlap.sum(0, keepdim=True), both.sum(0, keepdim=True)
    below = (2 * (both - overlap) if settings.jaccard else both) + settings.smooth_dr
    nothing = below == 0
    lost = 1 - (2 * overlap + settings.smooth_nr) / below.masked_fill(nothing, 1)
    lost = lost.masked_fill(nothing, 0)
    if weights is not None and lost.shape[1] > 1:
        lost = lost * weights[skip:]
    return lost.mean()


def _cross_entropy(
    sums: ClassSums, weights: torch.Tensor | None, settings: DiceCESettings, *, shares: bool
) -> torch.Tensor:
    weights = sums.cost.new_ones(sums.cost.shape[1]) if weights is None else weights
    if settings.activation == "sigmoid":
        total, over = (weights * sums.cost + sums.every).sum(), sums.voxels.sum() * len(weights)
    else:
        spread = settings.label_smoothing
        total = (weights * ((1 - spread) * sums.cost + spread / len(weights) * sums.every)).sum()
        over = sums.voxels.sum() if shares else (weights * sums.true).sum()
    return torch.where(over > 0, total / over.masked_fill(over <= 0, 1), 0 * total)
