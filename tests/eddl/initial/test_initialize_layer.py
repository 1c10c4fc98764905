"""Which parameters of a layer are drawn, and which begin fixed."""

from __future__ import annotations

import torch
from torch import nn

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.op import Op, Slot
from deephealth.eddl.initial import Constant, GlorotUniform, RandomNormal, initialize_layer


class Some(Op):
    """A kernel, a bias that begins at 0, a scale that begins at 1, and half of a packed matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.full((4, 3, 3, 3), 9.0))
        self.bias = nn.Parameter(torch.full((4,), 9.0))
        self.scale = nn.Parameter(torch.full((4,), 9.0))
        self.packed = nn.Parameter(torch.full((6, 5), 9.0))
        self.register_buffer("seen", torch.full((4,), 9.0))

    def slots(self) -> list[Slot]:
        return [
            Slot("kernel"),
            Slot("bias", fixed=0.0),
            Slot("scale", fixed=1.0),
            Slot("packed", view=lambda stored: stored[:3].t()),
            Slot("seen", trainable=False, fixed=0.0),
        ]


def made(key=(0,), attach=None):
    layer = Layer([], Some(), [4])
    if attach:
        attach(layer)
    initialize_layer(layer, key)
    return layer


def test_fixed_parameters_are_fixed_whatever_the_initializer():
    for attach in (None, lambda layer: Constant(layer, 0.25), RandomNormal):
        op = made(attach=attach).op
        assert op.bias.eq(0).all()
        assert op.scale.eq(1).all()
        assert op.seen.eq(0).all()


def test_the_others_are_drawn_through_their_view():
    op = made(attach=lambda layer: Constant(layer, 0.25)).op
    assert op.kernel.eq(0.25).all()
    assert op.packed[:3].eq(0.25).all()
    assert op.packed[3:].eq(9).all()
    drawn = made().op
    assert drawn.packed[:3].abs().max() < 1
    assert drawn.packed[3:].eq(9).all()


def test_glorot_with_eddls_seed_is_what_layers_have():
    for index in (0, 3):
        default, explicit = made(), made(attach=lambda layer: GlorotUniform(layer, 1234))
        assert torch.equal(default.params[index].torch, explicit.params[index].torch)


def test_keys_tell_layers_apart():
    first, same, other = made((0,)), made((0,)), made((1,))
    assert torch.equal(first.op.kernel, same.op.kernel)
    assert not torch.equal(first.op.kernel, other.op.kernel)


def test_a_layer_without_parameters_has_nothing_to_draw():
    layer = Layer([], None, [4])
    initialize_layer(layer)
    assert layer.params == []


def test_no_gradient_is_recorded_and_parameters_stay_trainable():
    op = made().op
    assert op.kernel.requires_grad
    assert op.kernel.grad_fn is None
