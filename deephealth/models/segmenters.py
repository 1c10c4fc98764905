"""Segmentation networks: MONAI's, and MONAI's U-Net decoder on encoders of timm. Any height and width will do."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from deephealth.models.padding import Padded
from deephealth.models.stages import freeze_stages
from deephealth.models.unet import EncoderUnet

__all__ = ["attention_unet", "basic_unet", "residual_unet", "segresnet", "unet"]


def unet(
    num_outputs: int,
    image_size: tuple[int, int],
    hub: bool,
    *,
    encoder: str = "tf_efficientnet_lite0",
    decoder_channels: Sequence[int] = (128, 64, 32, 16),
    dropout: float = 0.0,
    drop_path_rate: float = 0.0,
    interpolation: str = "nearest",
    frozen_stages: int = 0,
) -> nn.Module:
    """U-Net on an encoder of timm.

    Args:
        num_outputs: channels of the result, one per label.
        image_size: not used; all factories share one signature.
        hub: download timm's default weights of the encoder.
        encoder: name in ``timm.list_models()``.
        decoder_channels: of the decoder's blocks, deepest first; with fewer blocks than the encoder has stages, the
            logits are computed at a lower resolution (four blocks and five stages: at half) and enlarged.
        dropout: in the decoder's blocks.
        drop_path_rate: stochastic depth in the encoder.
        interpolation: nearest or bilinear, between the decoder's blocks.
        frozen_stages: the encoder's stem and so many of its stages are not trained; 0 trains everything.
    """
    network = EncoderUnet(
        encoder,
        num_outputs,
        hub=hub,
        decoder_channels=tuple(decoder_channels),
        dropout=dropout,
        drop_path_rate=drop_path_rate,
        interpolation=interpolation,
    )
    freeze_stages(network, frozen_stages)
    return Padded(network, network.reduction)


def basic_unet(
    num_outputs: int,
    image_size: tuple[int, int],
    hub: bool,
    *,
    channels: Sequence[int] = (32, 32, 64, 128, 256, 32),
    dropout: float = 0.0,
) -> nn.Module:
    """``monai.networks.nets.BasicUNet``; ``channels`` are the five levels and the last block."""
    from monai.networks.nets import BasicUNet  # takes seconds to import

    features = tuple(channels)
    return Padded(BasicUNet(2, 3, num_outputs, features=features, norm="batch", dropout=dropout), 16)  # type: ignore[arg-type]


def residual_unet(
    num_outputs: int,
    image_size: tuple[int, int],
    hub: bool,
    *,
    channels: Sequence[int] = (16, 32, 64, 128, 256),
    residual_units: int = 2,
    dropout: float = 0.0,
) -> nn.Module:
    """``monai.networks.nets.UNet`` with stride 2 between its levels."""
    from monai.networks.nets import UNet  # takes seconds to import

    strides = (2,) * (len(channels) - 1)
    network = UNet(2, 3, num_outputs, channels, strides, num_res_units=residual_units, norm="batch", dropout=dropout)
    return Padded(network, 2 ** len(strides))


def attention_unet(
    num_outputs: int,
    image_size: tuple[int, int],
    hub: bool,
    *,
    channels: Sequence[int] = (16, 32, 64, 128, 256),
    dropout: float = 0.0,
) -> nn.Module:
    """``monai.networks.nets.AttentionUnet`` with stride 2 between its levels."""
    from monai.networks.nets import AttentionUnet  # takes seconds to import

    strides = (2,) * (len(channels) - 1)
    return Padded(AttentionUnet(2, 3, num_outputs, channels, strides, dropout=dropout), 2 ** len(strides))


def segresnet(
    num_outputs: int, image_size: tuple[int, int], hub: bool, *, filters: int = 16, dropout: float = 0.0
) -> nn.Module:
    """``monai.networks.nets.SegResNet`` with its four levels."""
    from monai.networks.nets import SegResNet  # takes seconds to import

    network = SegResNet(
        spatial_dims=2, init_filters=filters, out_channels=num_outputs, in_channels=3, dropout_prob=dropout or None
    )
    return Padded(network, 8)
