"""Batch normalisation: torch's fused kernel with EDDL's running statistics."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.normalization import BatchNormalization
from deephealth.eddl.ops.normalization import BatchNorm
from deephealth.eddl.strictness import strict_mode
from tests.eddl.geometry import direct

SHAPES = [(8, 5), (8, 5, 7), (4, 5, 3, 6), (2, 5, 3, 4, 2)]


def over(shape: tuple[int, ...], **how: float | bool) -> Layer:
    return BatchNormalization(Input(shape[1:]), how.pop("affine", True), **how)


def by_hand(x: torch.Tensor, epsilon: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    axes = [axis for axis in range(x.ndim) if axis != 1]
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, unbiased=False, keepdim=True)
    return (x - mean) / (variance + epsilon).sqrt(), mean.flatten(), variance.flatten()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("affine", [True, False])
def test_value_gradient_and_statistics(shape: tuple[int, ...], affine: bool) -> None:
    layer = over(shape, affine=affine, momentum=0.7, epsilon=1e-3)
    op, x = layer.op.train(), torch.randn(shape, requires_grad=True)
    op.running_mean.uniform_(-1, 1)
    op.running_var.uniform_(0.5, 2)
    before = op.running_mean.clone(), op.running_var.clone()
    if affine:
        torch.nn.init.uniform_(op.gamma, 0.5, 2)
    plain, mean, variance = by_hand(x, 1e-3)
    scale = op.gamma.detach().view(1, -1, *[1] * (x.ndim - 2)) if affine else 1.0
    y, delta = op(x), torch.randn(shape)
    torch.testing.assert_close(y, plain * scale)
    torch.testing.assert_close(op.running_mean, 0.7 * before[0] + 0.3 * mean.detach())
    torch.testing.assert_close(op.running_var, 0.7 * before[1] + 0.3 * variance.detach())
    got = torch.autograd.grad(y, x, delta, retain_graph=True)[0]
    torch.testing.assert_close(got, torch.autograd.grad(plain * scale, x, delta, retain_graph=True)[0])
    if affine:
        y.backward(delta)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        torch.testing.assert_close(op.gamma.grad, (plain.detach() * delta).sum(axes))
        torch.testing.assert_close(op.beta.grad, delta.sum(axes))


@given(st.integers(1, 3), st.integers(1, 4), st.floats(0.01, 0.999))
def test_running_variance_is_the_biased_one(batch: int, width: int, momentum: float) -> None:
    op = BatchNorm(2, momentum, 1e-5, True).train()
    x = torch.randn(batch, 2, width)
    op(x)
    wanted = momentum + (1 - momentum) * x.var((0, 2), unbiased=False)
    torch.testing.assert_close(op.running_var, wanted)
    torch.testing.assert_close(op.running_mean, (1 - momentum) * x.mean((0, 2)))


def test_test_mode_uses_the_statistics_and_changes_nothing() -> None:
    op = BatchNorm(3, 0.9, 1e-5, True).eval()
    op.running_mean.fill_(1.0)
    op.running_var.fill_(4.0)
    torch.testing.assert_close(op(torch.full((2, 3), 5.0)), torch.full((2, 3), 2.0), atol=1e-4, rtol=0)
    assert op.running_var.tolist() == [4.0] * 3


def test_momentum_zero_never_changes_the_statistics() -> None:
    for strict in (False, True):
        with strict_mode(strict):
            op = BatchNorm(3, 0.0, 1e-5, False).train()
        op(torch.randn(8, 3))
        assert (op.running_mean.tolist(), op.running_var.tolist()) == ([0.0] * 3, [1.0] * 3)


def test_a_net_may_run_twice_before_its_backward_pass() -> None:
    op = BatchNorm(3, 0.9, 1e-5, True).train()
    x = torch.randn(8, 3, requires_grad=True)
    (op(x) * op(x + 1)).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_parameters_in_the_originals_order() -> None:
    layer = over((2, 4, 3, 3))
    assert [slot.name for slot in layer.slots()] == ["gamma", "beta", "running_mean", "running_var"]
    assert [slot.fixed for slot in layer.slots()] == [1.0, 0.0, 0.0, 1.0]
    assert (layer.get_trainable_params_count(), layer.isnorm, len(layer.gradients)) == (2, True, 2)
    plain = over((2, 4), affine=False)
    assert [slot.name for slot in plain.slots()] == ["running_mean", "running_var"]
    assert plain.get_trainable_params_count() == 0


def test_strict_mode_averages_gradients_and_starts_at_variance_zero() -> None:
    x, delta = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    grads = {}
    for strict in (False, True):
        with strict_mode(strict):
            op = BatchNorm(3, 0.9, 1e-5, True).train()
        assert op.slots()[3].fixed == float(not strict)
        assert op.running_var.tolist() == [float(not strict)] * 3
        op(x).backward(delta)
        grads[strict] = torch.stack([op.gamma.grad, op.beta.grad])
    torch.testing.assert_close(grads[True], grads[False] / 16)


@pytest.mark.parametrize("name", direct.names("batchnorm"))
@pytest.mark.parametrize("strict", [True, False])
def test_the_originals_numbers(name: str, strict: bool) -> None:
    with strict_mode(strict):
        differing = direct.Direct(name).compare()
    averaged = ["train/grad/y/0", "train/grad/y/1"]  # the mean in the original; by default torch's sum
    assert differing == ([] if strict or "noaff" in name else averaged)


def test_what_does_not_fit_says_so() -> None:
    layer = over((2, 4, 3, 3))
    with pytest.raises(EddlShapeError, match=rf"{layer.name}: it wants \[batch, 4, ...\] and got .* \[2, 5\]"):
        layer.op(torch.ones(2, 5))
    with pytest.raises(EddlShapeError, match="at least one axis"):
        BatchNormalization(Input([]), True)


def test_compiled_and_exported_it_does_the_same() -> None:
    x = torch.randn(4, 3, 5, 5)
    plain, op = BatchNorm(3, 0.9, 1e-5, True).train(), BatchNorm(3, 0.9, 1e-5, True).train()
    torch.testing.assert_close(torch.compile(op, backend="aot_eager", fullgraph=True)(x), plain(x))
    torch.testing.assert_close(op.running_var, plain.running_var)
    exported = torch.export.export(op.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(exported(x[:3]), op(x[:3]))
