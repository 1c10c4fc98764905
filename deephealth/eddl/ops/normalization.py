"""What the trainable normalisation layers compute, with fused kernels and EDDL's parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op, Slot
from deephealth.eddl.ops.straight_through import scale_gradient
from deephealth.eddl.ops.strict_normalization import twice_centred

__all__ = ["BatchNorm", "GroupNorm", "LayerNorm"]


def _scratch(name: str, start: float) -> Slot:
    return Slot(name, trainable=False, fixed=start, scratch=True)


class _Affine(Op):
    """A normalisation with an optional scale (``gamma``) and offset (``beta``).

    Args:
        size: length of both; ``None`` for none.
    """

    gamma: nn.Parameter | None
    beta: nn.Parameter | None

    def __init__(self, size: int | None) -> None:
        super().__init__()
        self.label = type(self).__name__
        """What error messages call it: the layer's name."""
        self.gamma = None if size is None else nn.Parameter(torch.ones(size))
        self.beta = None if size is None else nn.Parameter(torch.zeros(size))

    def slots(self) -> list[Slot]:
        """Return gamma and beta, if there are any."""
        return [] if self.gamma is None else [Slot("gamma", fixed=1.0), Slot("beta", fixed=0.0)]

    def averaged(self, values: int) -> tuple[Tensor | None, Tensor | None]:
        """Return gamma and beta with the original's gradient: the mean over ``values``, not the sum."""
        if self.gamma is None or self.beta is None:
            return None, None
        return scale_gradient(self.gamma, 1.0 / values), scale_gradient(self.beta, 1.0 / values)

    def misfit(self, wanted: str, x: Tensor) -> EddlShapeError:
        """Return the error for an input that does not fit."""
        return EddlShapeError(self.label, f"it wants {wanted} and got an input of shape {list(x.shape)}")


class BatchNorm(_Affine):
    """Batch normalisation of [B, C, ...] with EDDL's running statistics.

    Running = momentum * running + (1 - momentum) * batch, with the biased variance. In strict mode the running variance
    starts at zero, and the gradients of gamma and beta are means instead of sums.

    Args:
        channels: length of axis 1.
        momentum: how much of the running statistics stays at each step; zero never changes them.
        epsilon: added to the variance.
        affine: whether there are gamma and beta.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, momentum: float, epsilon: float, affine: bool) -> None:
        super().__init__(channels if affine else None)
        self.channels, self.momentum, self.epsilon = channels, momentum, epsilon
        self.first_variance = 0.0 if self.strict and momentum > 0 else 1.0
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.full((channels,), self.first_variance))

    def slots(self) -> list[Slot]:
        """Return gamma and beta, if there are any, then the running mean and variance."""
        mean = Slot("running_mean", trainable=False, fixed=0.0)
        return [*super().slots(), mean, Slot("running_var", trainable=False, fixed=self.first_variance)]

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch [B, C] or [B, C, ...]."""
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise self.misfit(f"[batch, {self.channels}, ...]", x)
        if not self.training:
            return self._normalised(x, self.running_mean, self.running_var, False)
        if self.momentum == 0:
            return self._normalised(x, None, None, True)
        return self._training_step(x, x.numel() // self.channels)

    def _training_step(self, x: Tensor, values: int) -> Tensor:
        if values == 1:  # torch's update divides by values - 1; the variance of one value is zero
            mean = x.detach().reshape(-1).to(self.running_mean.dtype)
            self.running_mean.lerp_(mean, 1.0 - self.momentum)
            self.running_var.mul_(self.momentum)
            return self._normalised(x, None, None, True)
        # The fused kernel puts values / (values - 1) times the biased variance into the running one. Taking the factor
        # out of it before and after leaves EDDL's definition. Each `data` counts its changes by itself, so that the
        # tape sees none of them, nor the kernel's own: a net may run twice before its backward pass.
        unbiased = values / (values - 1)
        self.running_var.data.mul_(unbiased)
        out = self._normalised(x, self.running_mean, self.running_var, True)
        self.running_var.data.div_(unbiased)
        return out

    def _normalised(self, x: Tensor, mean: Tensor | None, variance: Tensor | None, training: bool) -> Tensor:
        gamma, beta = self.averaged(x.numel() // self.channels) if self.strict else (self.gamma, self.beta)
        update = 1.0 - self.momentum
        return torch.batch_norm(
            x, gamma, beta, mean, variance, training, update, self.epsilon, torch.backends.cudnn.enabled
        )


class LayerNorm(_Affine):
    """Normalisation of each sample over all its values, with a gamma and beta for each value.

    EDDL also lists the mean and standard deviation of the last batch among the parameters; so they are kept here.
    In strict mode the mean is taken off twice and gradients of gamma and beta are means over the batch.

    Args:
        shape: shape of one sample.
        epsilon: added to the variance.
        affine: whether there are gamma and beta.
    """

    def __init__(self, shape: list[int], epsilon: float, affine: bool) -> None:
        super().__init__(torch.Size(shape).numel() if affine else None)
        self.shape, self.epsilon = list(shape), epsilon
        self.mean = torch.zeros(1)
        self.deviation = torch.ones(1)

    def slots(self) -> list[Slot]:
        """Return gamma and beta, if there are any, then the statistics of the last batch, as long as the batch."""
        scratch = [_scratch("mean", 0.0), _scratch("deviation", 1.0)]
        return [*super().slots(), *scratch]

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch [B, ...]."""
        if list(x.shape[1:]) != self.shape:
            raise self.misfit(f"[batch, {', '.join(map(str, self.shape))}]", x)
        if self.strict:
            plain, mean, deviation = twice_centred(x.flatten(1), self.epsilon)
            gamma, beta = self.averaged(x.shape[0])
            out = plain if gamma is None or beta is None else plain * gamma + beta
            self._keep(mean, deviation)
            return out.view(x.shape)
        gamma, beta = self.gamma, self.beta
        if gamma is not None and beta is not None:
            gamma, beta = gamma.view(self.shape), beta.view(self.shape)
        out, mean, inverse = torch.native_layer_norm(x, self.shape, gamma, beta, self.epsilon)
        self._keep(mean, inverse)
        return out

    def _keep(self, mean: Tensor, deviation: Tensor) -> None:
        """Remember the statistics; a compiled or exported graph has no place for them."""
        if torch.compiler.is_compiling():
            return
        self.mean = mean.detach().flatten()
        self.deviation = deviation.detach().flatten() if self.strict else deviation.detach().flatten().reciprocal()


class GroupNorm(_Affine):
    """Normalisation of each group of channels of each sample.

    Gamma and beta have one entry per channel of a group and are shared by the groups. In strict mode the mean is taken
    off twice, and gradients of gamma and beta are means.

    Args:
        channels: length of axis 1.
        groups: how many groups; divides ``channels``.
        epsilon: added to the variance.
        affine: whether there are gamma and beta.
    """

    def __init__(self, channels: int, groups: int, epsilon: float, affine: bool) -> None:
        super().__init__(channels // groups if affine else None)
        self.channels, self.groups, self.epsilon = channels, groups, epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch [B, C, ...]."""
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise self.misfit(f"[batch, {self.channels}, ...]", x)
        if self.strict:
            return self._strict(x)
        gamma, beta = self.gamma, self.beta
        if gamma is None or beta is None:
            return functional.group_norm(x, self.groups, None, None, self.epsilon)
        return functional.group_norm(x, self.groups, gamma.repeat(self.groups), beta.repeat(self.groups), self.epsilon)

    def _strict(self, x: Tensor) -> Tensor:
        rows = x.reshape(x.shape[0] * self.groups, -1)
        plain = twice_centred(rows, self.epsilon)[0]
        gamma, beta = self.averaged(x.numel() * self.groups // self.channels)
        if gamma is None or beta is None:
            return plain.view(x.shape)
        channels = plain.view(rows.shape[0], self.channels // self.groups, -1)
        return (channels * gamma.unsqueeze(1) + beta.unsqueeze(1)).view(x.shape)
