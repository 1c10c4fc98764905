"""The U-Net on encoders of timm: any size, any pyramid."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError
from deephealth.models.segmenters import unet

SMALL = {"encoder": "mobilenetv3_small_050", "decoder_channels": (16, 8, 8, 8, 8)}


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (50, 8)])
def test_logits_have_the_size_of_the_input(size):
    assert unet(2, size, False, **SMALL)(torch.randn(2, 3, *size)).shape == (2, 2, *size)


def test_encoder_that_begins_at_a_quarter():
    network = unet(1, (32, 32), False, encoder="convnext_atto", decoder_channels=(16, 8, 8, 8))
    assert network(torch.randn(1, 3, 40, 40)).shape == (1, 1, 40, 40)


def test_padding_does_not_reach_back():
    torch.manual_seed(0)
    network = unet(1, (32, 32), False, **SMALL).eval()
    plain = torch.full((1, 3, 40, 40), 0.3)
    padded = torch.full((1, 3, 64, 64), 0.3)
    assert torch.allclose(network(plain), network(padded)[..., :40, :40], atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "error", "text"),
    [
        ({"encoder": "mobilenetv3_smal_050"}, UnknownNameError, "mobilenetv3_small_050"),
        ({"encoder": "vit_tiny_patch16_224"}, ModelError, "can't be an encoder"),
        ({"decoder_channels": (8, 8)}, ConfigError, "decoder_channels"),
        ({"interpolation": "cubic"}, ConfigError, "bilinear"),
    ],
)
def test_wrong_parameters(parameters, error, text):
    with pytest.raises(error, match=text):
        unet(1, (32, 32), False, **{**SMALL, **parameters})


def test_bilinear_runs():
    assert unet(1, (32, 32), False, **SMALL, interpolation="bilinear")(torch.randn(2, 3, 32, 32)).isfinite().all()
