"""Noise and generators."""

from __future__ import annotations

import pytest
import torch

from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.generators import GaussGenerator, UniformGenerator
from deephealth.eddl.layers.noise import GaussianNoise
from deephealth.eddl.strictness import strict_mode


@pytest.mark.parametrize(("strict", "wanted"), [(False, 0.5), (True, 0.5 * 0.7071)])
def test_noise_in_training_only(strict: bool, wanted: float) -> None:
    with strict_mode(strict):
        layer = GaussianNoise(Input([1000]), 0.5)
    x = torch.ones(20, 1000, requires_grad=True)
    assert torch.equal(layer.op.eval()(x), x)
    torch.manual_seed(0)
    y = layer.op.train()(x)
    assert y.std().item() == pytest.approx(wanted, rel=0.05)
    assert y.mean().item() == pytest.approx(1.0, abs=0.02)
    torch.manual_seed(0)
    assert torch.equal(layer.op(x), y)
    y.backward(2 * torch.ones_like(y))
    assert torch.equal(x.grad, torch.full_like(x, 2.0))


def test_generators_draw_as_many_as_the_net_asks_for() -> None:
    torch.manual_seed(0)
    for layer in (GaussGenerator(3.0, 0.5, [7, 50]), UniformGenerator(2.0, 5.0, [7, 50])):
        assert (layer.shape, layer.parent, layer.params) == ([7, 50], [], [])
        assert type(layer).is_random_generator
        assert layer.op().shape == (1, 7, 50)
        layer.op.batch_size = 64
        assert layer.op().shape == (64, 7, 50)
        assert not torch.equal(layer.op(), layer.op())


def test_generators_have_their_distribution() -> None:
    torch.manual_seed(0)
    normal, uniform = GaussGenerator(3.0, 0.5, [20000]).op(), UniformGenerator(2.0, 5.0, [20000]).op()
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((3.0, 0.5), rel=0.02)
    assert (uniform.mean().item(), uniform.std().item()) == pytest.approx((3.5, 3 / 12**0.5), rel=0.02)
    assert uniform.min() >= 2.0
    assert uniform.max() < 5.0
    with strict_mode():
        assert GaussGenerator(0.0, 1.0, [20000]).op().std().item() == pytest.approx(0.7071, rel=0.02)


def test_generators_draw_where_the_net_is() -> None:
    op = GaussGenerator(0.0, 1.0, [2]).op.to("meta")
    assert op().device.type == "meta"


def test_default_names() -> None:
    reset_names()
    made = [GaussGenerator(0, 1, [1]), UniformGenerator(0, 1, [1]), GaussianNoise(Input([1]), 0.1)]
    assert [layer.name for layer in made] == ["generator_gauss1", "generator_uniform1", "gaussiannoise1"]
