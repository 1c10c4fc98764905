"""A U-Net whose encoder is any network of timm and whose decoder is MONAI's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from deephealth.core.errors import ConfigError, ModelError
from deephealth.models.classifiers import timm_library

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["EncoderUnet"]


class EncoderUnet(nn.Module):
    """U-Net (Ronneberger 2015) with a decoder block per stage of the encoder.

    Args:
        encoder: name of a timm network that gives feature maps.
        num_outputs: channels of the result.
        hub: download timm's default weights of the encoder.
        decoder_channels: deepest first; the first so many as the encoder has stages.
        dropout: in the decoder's blocks.
        drop_path_rate: stochastic depth in the encoder.
        interpolation: nearest or bilinear.

    Raises:
        UnknownNameError: timm has no such network.
        ModelError: the network gives no pyramid of feature maps.
        ConfigError: too few decoder channels, or an unknown interpolation.
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
        channels: list[int] = self.encoder.feature_info.channels()
        reductions: list[int] = self.encoder.feature_info.reduction()
        self.reduction = reductions[-1]
        _check(encoder, reductions, decoder_channels, interpolation)
        decoder_channels = decoder_channels[: len(channels)]
        from monai.networks.nets.flexible_unet import SegmentationHead, UNetDecoder  # takes seconds to import

        self.decoder = UNetDecoder(
            spatial_dims=2,
            encoder_channels=(3, *channels),
            decoder_channels=decoder_channels,
            act=("relu", {"inplace": True}),
            norm=("batch", {"eps": 1e-3, "momentum": 0.1}),
            dropout=dropout,
            bias=False,
            upsample="nontrainable",
            pre_conv="default",
            interp_mode=interpolation,
            align_corners=None if interpolation == "nearest" else False,
            is_pad=False,
        )
        left_over = self.reduction / 2 ** len(channels)  # 2 where the encoder's first map is at a quarter
        self.segmentation_head = SegmentationHead(2, decoder_channels[-1], num_outputs, scale_factor=left_over)

    def forward(self, x_bchw: TensorBCHW) -> TensorBCHW:
        """Return logits B×K×H×W; H and W are multiples of ``reduction``."""
        features = [x_bchw, *self.encoder(x_bchw)]
        return self.segmentation_head(self.decoder(features, skip_connect=len(features) - 2))


def _encoder(name: str, *, hub: bool, drop_path_rate: float) -> nn.Module:
    timm = timm_library(name)
    extra = {"drop_path_rate": drop_path_rate} if drop_path_rate else {}
    try:
        return timm.create_model(name, pretrained=hub, features_only=True, **extra)
    except (TypeError, AttributeError, RuntimeError, AssertionError) as error:
        if hub:
            raise
        raise ModelError(f"'{name}' can't be an encoder: {error}", hint="choose a convolutional network of timm") from error


def _check(encoder: str, reductions: list[int], decoder_channels: tuple[int, ...], interpolation: str) -> None:
    if any(after != 2 * before for before, after in zip(reductions, reductions[1:], strict=False)):
        raise ModelError(
            f"'{encoder}' can't be an encoder: its feature maps are reduced by {reductions}",
            allowed="a pyramid in which each map has half the size of the one before",
        )
    problems = []
    if len(decoder_channels) < len(reductions):
        problems.append(f"model.parameters.decoder_channels: {len(decoder_channels)} given, '{encoder}' needs {len(reductions)}")
    if interpolation not in ("nearest", "bilinear"):
        problems.append(f"model.parameters.interpolation: '{interpolation}' is neither 'nearest' nor 'bilinear'")
    if problems:
        raise ConfigError(problems, source="the network 'unet'")
