"""Normalisation layers."""

from __future__ import annotations

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops import normalization, sample_normalization

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LBatchNorm",
    "LGroupNorm",
    "LLayerNorm",
    "LNorm",
    "LNormMax",
    "LNormMinMax",
    "LayerNormalization",
    "Norm",
    "NormMax",
    "NormMinMax",
]


class LBatchNorm(Layer):
    """Batch normalisation; parameters gamma and beta (if affine), running mean and variance."""

    prefix = "batchnorm"

    def __init__(self, parent: Layer, momentum: float, epsilon: float, affine: bool, name: str = "") -> None:
        self.momentum, self.epsilon, self.affine = momentum, epsilon, affine
        op = normalization.BatchNorm(_channels(parent, "BatchNormalization"), momentum, epsilon, affine)
        super().__init__([parent], op, parent.shape, name)
        self.isnorm = True
        op.label = self.name


class LLayerNorm(Layer):
    """Layer normalisation; parameters gamma and beta (if affine), and the last batch's mean and deviation."""

    prefix = "layernorm"

    def __init__(self, parent: Layer, epsilon: float, affine: bool, name: str = "") -> None:
        self.epsilon, self.affine = epsilon, affine
        _channels(parent, "LayerNormalization")
        op = normalization.LayerNorm(parent.shape, epsilon, affine)
        super().__init__([parent], op, parent.shape, name)
        self.isnorm = True
        op.label = self.name


class LGroupNorm(Layer):
    """Group normalisation; parameters gamma and beta (if affine), shared by the groups."""

    prefix = "groupnorm"

    def __init__(self, parent: Layer, groups: int, epsilon: float, affine: bool, name: str = "") -> None:
        self.groups, self.epsilon, self.affine = groups, epsilon, affine
        channels = _channels(parent, "GroupNormalization")
        if groups < 1 or channels % groups:
            what = f"{groups} groups do not divide the {channels} channels of layer {parent.name}"
            raise EddlShapeError("GroupNormalization", what, allowed="a divisor of the number of channels")
        op = normalization.GroupNorm(channels, groups, epsilon, affine)
        super().__init__([parent], op, parent.shape, name)
        op.label = self.name


class LNorm(Layer):
    """Standardises each sample."""

    prefix = "norm"
    operation: type[sample_normalization.Norm] = sample_normalization.Norm

    def __init__(self, parent: Layer, epsilon: float, name: str = "") -> None:
        self.epsilon = epsilon
        op = self.operation(epsilon)
        super().__init__([parent], op, parent.shape, name)
        op.label = self.name


class LNormMax(LNorm):
    """Divides each sample by its maximum."""

    prefix = "normmax"
    operation = sample_normalization.NormMax


class LNormMinMax(LNorm):
    """Moves each sample's values to between 0 and 1."""

    prefix = "normminmax"
    operation = sample_normalization.NormMinMax


def _channels(parent: Layer, title: str) -> int:
    if not parent.shape:
        what = f"layer {parent.name} gives one number per sample, without axes"
        raise EddlShapeError(title, what, allowed="at least one axis besides the batch", hint="reshape it to [1] first")
    return parent.shape[0]


def BatchNormalization(
    parent: Layer, affine: bool, momentum: float = 0.9, epsilon: float = 1e-05, name: str = ""
) -> Layer:
    """Normalise each channel over the batch; in test mode with running statistics.

    Running = momentum * running + (1 - momentum) * batch (torch counts its momentum the other way round), with the
    biased variance.

    Args:
        parent: a layer of any shape with channels first.
        affine: whether a scale and an offset per channel are learned.
        momentum: how much of the running statistics stays at each step; 0 never changes them.
        epsilon: added to the variance.
        name: a name for the layer.

    Raises:
        EddlShapeError: a parent without axes.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> [p.torch.shape for p in BatchNormalization(Input([3, 8, 8]), True).params]
        [torch.Size([3]), torch.Size([3]), torch.Size([3]), torch.Size([3])]
    """
    return LBatchNorm(parent, momentum, epsilon, affine, name)


def LayerNormalization(parent: Layer, affine: bool = True, epsilon: float = 1e-05, name: str = "") -> Layer:
    """Normalise each sample over all its values, with a scale and an offset for each value.

    Args:
        parent: a layer of any shape.
        affine: whether scale and offset are learned.
        epsilon: added to the variance.
        name: a name for the layer.

    Raises:
        EddlShapeError: a parent without axes.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> LayerNormalization(Input([16])).get_trainable_params_count()
        2
    """
    return LLayerNorm(parent, epsilon, affine, name)


def GroupNormalization(
    parent: Layer, groups: int, epsilon: float = 0.001, affine: bool = True, name: str = ""
) -> Layer:
    """Normalise each group of channels of each sample.

    Args:
        parent: a layer of any shape with channels first.
        groups: how many groups the channels are divided into.
        epsilon: added to the variance.
        affine: whether a scale and an offset are learned for each channel of a group; the groups share them.
        name: a name for the layer.

    Raises:
        EddlShapeError: groups that do not divide the channels.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GroupNormalization(Input([6, 8, 8]), 3).params[0].torch.shape
        torch.Size([2])
    """
    return LGroupNorm(parent, groups, epsilon, affine, name)


def Norm(parent: Layer, epsilon: float = 0.001, name: str = "") -> Layer:
    """Standardise each sample: mean 0, deviation 1 over all its values.

    Args:
        parent: a layer of any shape.
        epsilon: added to the variance.
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Norm(Input([16])).shape
        [16]
    """
    return LNorm(parent, epsilon, name)


def NormMax(parent: Layer, epsilon: float = 0.001, name: str = "") -> Layer:
    """Divide each sample by its maximum.

    Args:
        parent: a layer of any shape.
        epsilon: added to the maximum.
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> NormMax(Input([16])).shape
        [16]
    """
    return LNormMax(parent, epsilon, name)


def NormMinMax(parent: Layer, epsilon: float = 0.001, name: str = "") -> Layer:
    """Move each sample's values to between 0 and 1.

    Args:
        parent: a layer of any shape.
        epsilon: added to the range.
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> NormMinMax(Input([16])).shape
        [16]
    """
    return LNormMinMax(parent, epsilon, name)
