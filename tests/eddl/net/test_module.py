"""The torch module of a net: compiled, exported, wrapped, checkpointed, on several devices."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn

from deephealth import eddl
from deephealth.eddl.graph.checkpointing import checkpoint_segments, statistics_once
from deephealth.eddl.net.replicas import make_replicas


def small_cnn(optimizer=None):
    x = eddl.Input([2, 8, 8])
    body = eddl.ReLu(eddl.BatchNormalization(eddl.Conv(x, 4, [3, 3]), True))
    body = eddl.MaxPool(eddl.ReLu(eddl.Conv(body, 4, [3, 3], [2, 2])), [2, 2])
    net = eddl.Model([x], [eddl.Softmax(eddl.Dense(eddl.Flatten(body), 3))])
    eddl.build(net, optimizer or eddl.sgd(0.1, 0.9), ["sce"], ["accuracy"], eddl.CS_CPU(1))
    return net


def batch(samples=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, 2, 8, 8, generator=generator)
    y = nn.functional.one_hot(torch.randint(3, (samples,), generator=generator), 3).float()
    return eddl.Tensor.from_torch(x), eddl.Tensor.from_torch(y)


def losses_of(net, steps=5):
    found = []
    for step in range(steps):
        x, y = batch(seed=step)
        eddl.reset_loss(net)
        eddl.train_batch(net, [x], [y])
        found += eddl.get_losses(net)
    return found


def test_it_is_an_ordinary_module():
    net = small_cnn()
    assert isinstance(net.module, nn.Module)
    assert all(name.split(".")[0] in {layer.name for layer in net.layers} for name in net.module.state_dict())
    optimizer = torch.optim.Adam(net.module.parameters(), lr=0.01)
    x, y = batch()
    before = net.layers[1].params[0].getdata()
    nn.functional.mse_loss(net.module(x.torch), y.torch).backward()
    optimizer.step()
    assert (net.layers[1].params[0].getdata() != before).any()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_it_trains_to_the_same_losses():
    eager, compiled = small_cnn(), small_cnn()
    compiled.module = torch.compile(compiled.module)
    np.testing.assert_allclose(losses_of(compiled), losses_of(eager), rtol=1e-4)


def test_without_graph_breaks():
    eager, compiled = small_cnn(), small_cnn()
    compiled.module = torch.compile(compiled.module, fullgraph=True, backend="aot_eager")
    np.testing.assert_allclose(losses_of(compiled), losses_of(eager), rtol=1e-4)


def test_it_exports():
    net = small_cnn()
    net.module.eval()
    x, _ = batch()
    exported = torch.export.export(net.module, (x.torch,))
    torch.testing.assert_close(exported.module()(x.torch), net.module(x.torch))


def test_any_torch_module_is_a_layer():
    inner = nn.Sequential(nn.Linear(4, 6), nn.GELU())
    x = eddl.Input([4])
    layer = eddl.from_torch(inner, x)
    net = eddl.Model([x], [eddl.Dense(layer, 2)])
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    before = inner[0].weight.detach().clone()
    eddl.train_batch(net, [eddl.Tensor.randn([3, 4])], [eddl.Tensor.randn([3, 2])])
    assert not torch.equal(inner[0].weight, before)


@pytest.mark.parametrize("level", [1, 2])
def test_checkpointing_changes_neither_gradients_nor_statistics(level):
    net, twin = small_cnn(), small_cnn()
    x, _ = batch()
    segments = checkpoint_segments(twin.module, level)
    out, twin_out = net.module(x.torch), segments(x.torch)
    torch.testing.assert_close(out, twin_out)
    out.square().sum().backward()
    with statistics_once(twin.module):
        twin_out.square().sum().backward()
    for one, two in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)
    for one, two in zip(net.module.buffers(), twin.module.buffers(), strict=True):
        torch.testing.assert_close(one, two)


def on_two(lsb):
    net = small_cnn(eddl.sgd(0.1))
    net.cs.lsb = lsb
    net.snets = make_replicas(net, [torch.device("cpu"), torch.device("cpu")])
    return net


def test_two_devices_with_averaged_gradients_are_one_net():
    x = eddl.Input([4])

    def plain():
        given = eddl.Input([4])
        net = eddl.Model([given], [eddl.Dense(eddl.ReLu(eddl.Dense(given, 6)), 2)])
        eddl.build(net, eddl.adam(0.01), ["mse"], ["mse"], eddl.CS_CPU(1))
        return net

    assert x.lin == 0
    one, two = plain(), plain()
    two.cs.lsb = 1
    two.snets = make_replicas(two, [torch.device("cpu"), torch.device("cpu")])
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        data = [eddl.Tensor.from_torch(torch.randn(7, size, generator=generator)) for size in (4, 2)]
        for net in (one, two):
            eddl.train_batch(net, data[:1], data[1:])
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert eddl.get_losses(one) == pytest.approx(eddl.get_losses(two), rel=1e-4)


def test_two_devices_average_their_weights_every_lsb_batches():
    net = on_two(3)
    for step in range(1, 7):
        x, y = batch(seed=step)
        eddl.train_batch(net, [x], [y])
        same = all(torch.equal(a, b) for a, b in zip(net.parameters(), net.snets[1].parameters(), strict=True))
        assert same == (step % 3 == 0)


def test_more_devices_than_samples_are_refused():
    net = on_two(1)
    x, y = batch(1)
    with pytest.raises(RuntimeError, match="at least 2"):
        eddl.train_batch(net, [x], [y])


def test_editing_weights_reaches_all_devices():
    net = on_two(1)
    net.layers[1].params[0].torch.fill_(0.5)
    eddl.distributeParams(net.layers[1])
    assert (net.snets[1].layers[1].params[0].getdata() == 0.5).all()
    eddl.clamp(net, -0.1, 0.1)
    assert float(net.snets[1].layers[1].params[0].torch.max()) <= 0.1000001
