"""Instance norm + leaky ReLU as a layer, and how the pairs in a network that exists are exchanged for it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, TypeVar

import torch
from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetResBlock
from torch import nn

from deephealth.kernels.instance_norm import instance_norm_leaky_relu, reference

__all__ = ["InstanceNormLeakyReLU", "fuse_instance_norm"]

M = TypeVar("M", bound=nn.Module)


class InstanceNormLeakyReLU(nn.Module):
    """``nn.InstanceNorm2d`` or ``3d``, then ``nn.LeakyReLU``, in the memory layout of the input.

    The state dict is that of the norm. Inside ``torch.compile`` and exports the plain torch functions run, which those
    fuse on their own.

    Args:
        num_features: channels.
        eps: added to the variance.
        negative_slope: of the activation: 0 is ReLU, 1 is no activation.
        affine: whether each channel has a learned factor and offset.
        device: where they lie.
        dtype: their type.

    Example:
        >>> layer = InstanceNormLeakyReLU(8)
        >>> sorted(layer.state_dict()), layer(torch.rand(2, 8, 4, 4, 4)).shape
        (['bias', 'weight'], torch.Size([2, 8, 4, 4, 4]))
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        negative_slope: float = 0.01,
        *,
        affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.weight: nn.Parameter | None
        self.bias: nn.Parameter | None
        self.num_features, self.eps, self.negative_slope = num_features, eps, negative_slope
        for name, value in (("weight", 1.0), ("bias", 0.0)):
            start = torch.full((num_features,), value, device=device, dtype=dtype) if affine else None
            self.register_parameter(name, None if start is None else nn.Parameter(start))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activated output, with the shape and layout of ``x``; errors as in the function."""
        traced = (
            torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None or torch.onnx.is_in_onnx_export()
        )
        run = reference if traced else instance_norm_leaky_relu
        weight, bias = self.weight, self.bias  # None where not affine
        return run(x, weight, bias, eps=self.eps, negative_slope=self.negative_slope)

    def extra_repr(self) -> str:
        """Say the settings, for ``print(net)``."""
        return f"{self.num_features}, eps={self.eps}, slope={self.negative_slope}, affine={self.weight is not None}"


def fuse_instance_norm(module: M) -> M:
    """Exchange each instance norm that a (leaky) ReLU follows for :class:`InstanceNormLeakyReLU`, in place.

    Pairs are found side by side in ``nn.Sequential`` (MONAI's convolutions, nnU-Net's blocks, plain networks) and in
    MONAI's DynUNet blocks. Parameters stay the same objects, so an optimizer keeps its state, and the keys of the state
    dict stay. Left alone: norms with running statistics, modules with hooks, and blocks whose forward is their own.

    Args:
        module: a network; it is changed.

    Returns:
        The module that was given.

    Example:
        >>> fuse_instance_norm(nn.Sequential(nn.InstanceNorm3d(4, affine=True), nn.LeakyReLU(0.1)))
        Sequential(
          (0): InstanceNormLeakyReLU(4, eps=1e-05, slope=0.1, affine=True)
          (1): Identity()
        )
    """
    exchanged: dict[nn.Module | None, nn.Module] = {}
    sequences = [block for block in module.modules() if type(block).forward is nn.Sequential.forward]
    uses = Counter(child for block in sequences for child in block._modules.values())
    for block in list(module.modules()):
        forward = type(block).forward
        if forward is nn.Sequential.forward:
            _fuse_sequential(block, uses, exchanged)
        elif forward is UnetBasicBlock.forward:
            _fuse_block(block, exchanged, ("norm1", "norm2"))
        elif forward is UnetResBlock.forward and _fuse_block(block, exchanged, ("norm1",)):
            block.__class__ = _ResidualBlock
    for block in module.modules():  # nnU-Net's blocks keep a second name for the norm in their sequence
        for name, child in block._modules.items():
            block._modules[name] = exchanged.get(child, child) if child is not None else None
    return module


class _ResidualBlock(UnetResBlock):
    """MONAI's residual block whose first norm holds its activation already."""

    def forward(self, inp: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        out = self.norm2(self.conv2(self.norm1(self.conv1(inp))))
        residual = self.conv3(inp) if hasattr(self, "conv3") else inp
        out += self.norm3(residual) if hasattr(self, "norm3") else residual
        return self.lrelu(out)  # type: ignore[no-any-return]


def _fuse_sequential(
    block: nn.Module, uses: Counter[nn.Module | None], exchanged: dict[nn.Module | None, nn.Module]
) -> None:
    idle = nn.Dropout | nn.Dropout2d | nn.Dropout3d  # MONAI puts one of probability 0 in between
    steps = [(name, child) for name, child in block._modules.items() if not isinstance(child, idle) or child.p > 0]
    for (first, norm), (second, activation) in pairwise(steps):
        fused = _fused(norm, activation)
        if fused is not None and uses[norm] == 1:
            exchanged[norm] = fused
            block._modules[first], block._modules[second] = fused, nn.Identity()


def _fuse_block(block: nn.Module, exchanged: dict[nn.Module | None, nn.Module], names: tuple[str, ...]) -> bool:
    """Fuse the norms of a DynUNet block, all or none, since they share the activation."""
    found = {name: _fused(getattr(block, name), block.lrelu) for name in names}  # type: ignore[arg-type]
    if None in found.values():
        return False
    for name, fused in found.items():
        setattr(block, name, fused)
    if isinstance(block, UnetBasicBlock):
        block.lrelu = nn.Identity()
    return True


def _fused(norm: Any, activation: Any) -> InstanceNormLeakyReLU | None:
    """Return one layer for both, or ``None`` where they are not such a pair."""
    if not isinstance(norm, nn.InstanceNorm2d | nn.InstanceNorm3d) or norm.track_running_stats:
        return None
    if not isinstance(activation, nn.LeakyReLU | nn.ReLU) or _hooked(norm) or _hooked(activation):
        return None
    slope = activation.negative_slope if isinstance(activation, nn.LeakyReLU) else 0.0
    fused = InstanceNormLeakyReLU(norm.num_features, norm.eps, slope, affine=False)
    fused.weight, fused.bias = norm.weight, norm.bias
    return fused.train(norm.training)


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
