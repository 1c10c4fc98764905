"""When torch's one-pass kernels may run: they change a parameter and its state in one walk over the memory."""

from __future__ import annotations

from deephealth.eddl.optim.settings import Tensors

__all__ = ["one_pass_possible"]

_DEVICES = {"cpu", "cuda"}


def one_pass_possible(params: Tensors, grads: Tensors, *kept: Tensors) -> bool:
    """Return whether a one-pass kernel exists here, and all tensors of each parameter lie in memory in the same order.

    The kernels walk over memory and do not look at strides, so that a gradient of another layout would be added to the
    wrong values without an error.

    Args:
        params: the parameters.
        grads: their gradients.
        kept: what is kept of them.

    Example:
        >>> import torch
        >>> square = torch.zeros(2, 3)
        >>> one_pass_possible([square], [square]), one_pass_possible([square], [torch.zeros(3, 2).t()])
        (True, False)
    """
    if params[0].device.type not in _DEVICES:
        return False
    for param, *others in zip(params, grads, *kept, strict=True):
        stride = param.stride()
        for other in others:
            if other.stride() != stride:
                return False
    return True
