"""The U-Net on encoders of timm: any size, any pyramid."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError
from deephealth.models.segmenters import unet

SMALL = {"encoder": "test_resnet", "decoder_channels": (16, 8, 8, 8, 8)}


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (50, 8)])
def test_logits_have_the_size_of_the_input(size):
    assert unet(2, size, False, **SMALL)(torch.randn(2, 3, *size)).shape == (2, 2, *size)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5])
def test_any_number_of_blocks(blocks):
    network = unet(1, (32, 32), False, encoder="test_resnet", decoder_channels=(8,) * blocks)
    logits = network(torch.randn(2, 3, 64, 32))
    assert logits.shape == (2, 1, 64, 32)
    logits.mean().backward()
    assert network.network.head.weight.grad is not None


def test_encoder_that_begins_at_a_quarter():
    network = unet(1, (32, 32), False, encoder="test_convnext", decoder_channels=(16, 8, 8, 8))
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
        ({"encoder": "test_resnt"}, UnknownNameError, "test_resnet"),
        ({"encoder": "vit_tiny_patch16_224"}, ModelError, "can't be an encoder"),
        ({"decoder_channels": ()}, ConfigError, "decoder_channels"),
        ({"decoder_channels": (8,) * 6}, ConfigError, "from 1 to 5"),
        ({"interpolation": "cubic"}, ConfigError, "bilinear"),
    ],
)
def test_wrong_parameters(parameters, error, text):
    with pytest.raises(error, match=text):
        unet(1, (32, 32), False, **{**SMALL, **parameters})


def test_bilinear_runs():
    assert unet(1, (32, 32), False, **SMALL, interpolation="bilinear")(torch.randn(2, 3, 32, 32)).isfinite().all()
