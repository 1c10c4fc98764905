"""A U-Net whose encoder is any network of timm and whose decoder is MONAI's."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn import functional

from deephealth.core.errors import ConfigError, ModelError
from deephealth.models.classifiers import timm_library

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["EncoderUnet"]


class EncoderUnet(nn.Module):
    """U-Net (Ronneberger 2015): each block of the decoder doubles the size, adds the encoder's map, convolves twice.

    With fewer blocks than the encoder has stages, logits are computed at a lower resolution and enlarged bilinearly: at
    half the input's resolution a mask loses next to nothing, and the dearest block is saved.

    Args:
        encoder: name of a timm network that gives feature maps.
        num_outputs: channels of the result.
        hub: download timm's default weights of the encoder.
        decoder_channels: of each block, deepest first.
        dropout: in the decoder's blocks.
        drop_path_rate: stochastic depth in the encoder.
        interpolation: nearest or bilinear, inside the decoder.

    Raises:
        UnknownNameError: timm has no such network.
        ModelError: the network gives no pyramid of feature maps.
        ConfigError: no block or too many of them, or an unknown interpolation.
    """

    def __init__(
        self,
        encoder: str,
        num_outputs: int,
        *,
        hub: bool,
        decoder_channels: tuple[int, ...],
        dropout: float,
        drop_path_rate: float,
        interpolation: str,
    ) -> None:
        super().__init__()
        self.encoder = _encoder(encoder, hub=hub, drop_path_rate=drop_path_rate)
        pyramid: Any = self.encoder.feature_info
        channels: list[int] = pyramid.channels()
        reductions: list[int] = pyramid.reduction()
        self.reduction = reductions[-1]
        _check(encoder, reductions, decoder_channels, interpolation)
        inputs = [channels[-1], *decoder_channels[:-1]]
        skips = [*channels[-2::-1], 0]  # a last block at twice the size of the first map has nothing to take
        self.decoder = nn.ModuleList(
            _block(above, skip, out, dropout, interpolation)
            for above, skip, out in zip(inputs, skips, decoder_channels, strict=False)
        )
        self.head = nn.Conv2d(decoder_channels[-1], num_outputs, kernel_size=1)

    def forward(self, x_bchw: TensorBCHW) -> TensorBCHW:
        """Return logits B×K×H×W; H and W are multiples of ``reduction``."""
        *skips, deepest = self.encoder(x_bchw)
        y_bchw = deepest
        for block, skip in zip_longest(self.decoder, reversed(skips[-len(self.decoder) :])):
            y_bchw = block(y_bchw, skip)
        logits = self.head(y_bchw)
        if logits.shape[-2:] == x_bchw.shape[-2:]:
            return logits
        return functional.interpolate(logits, x_bchw.shape[-2:], mode="bilinear", align_corners=False)


def _block(above: int, skip: int, out: int, dropout: float, interpolation: str) -> nn.Module:
    from monai.networks.nets.basic_unet import UpCat  # takes seconds to import

    return UpCat(
        spatial_dims=2,
        in_chns=above,
        cat_chns=skip,
        out_chns=out,
        act=("relu", {"inplace": True}),
        norm="batch",
        bias=False,
        dropout=dropout,
        upsample="nontrainable",
        pre_conv=None,
        interp_mode=interpolation,
        align_corners=None if interpolation == "nearest" else False,
        is_pad=False,
    )


def _encoder(name: str, *, hub: bool, drop_path_rate: float) -> nn.Module:
    timm = timm_library(name)
    extra = {"drop_path_rate": drop_path_rate} if drop_path_rate else {}
    try:
        return timm.create_model(name, pretrained=hub, features_only=True, **extra)
    except (TypeError, AttributeError, RuntimeError, AssertionError) as error:
        if hub:
            raise
        raise ModelError(
            f"'{name}' can't be an encoder: {error}", hint="choose a convolutional network of timm"
        ) from error


def _check(encoder: str, reductions: list[int], decoder_channels: tuple[int, ...], interpolation: str) -> None:
    if any(after != 2 * before for before, after in pairwise(reductions)):
        raise ModelError(
            f"'{encoder}' can't be an encoder: its feature maps are reduced by {reductions}",
            allowed="a pyramid in which each map has half the size of the one before",
        )
    problems = []
    blocks, most = len(decoder_channels), len(reductions)
    if not 1 <= blocks <= most:
        problems.append(f"model.parameters.decoder_channels: {blocks} given, '{encoder}' takes from 1 to {most}")
    if interpolation not in ("nearest", "bilinear"):
        problems.append(f"model.parameters.interpolation: '{interpolation}' is neither 'nearest' nor 'bilinear'")
    if problems:
        raise ConfigError(problems, source="the network 'unet'")
