"""Tensors inside layers, detaching, nets that feed nets, losses that are graphs, regularizers."""

import numpy as np
import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlError


def pair():
    x = eddl.Input([4])
    hidden = eddl.ReLu(eddl.Dense(x, 5))
    net = eddl.Model([x], [eddl.Dense(hidden, 2)])
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    return net, hidden


def test_outputs_and_deltas_after_a_hand_written_pass():
    net, hidden = pair()
    x, y = eddl.Tensor.randn([3, 4]), eddl.Tensor.randn([3, 2])
    eddl.forward(net, [x])
    out = eddl.getOutput(net.lout[0])
    eddl.backward(net, [y])
    w2 = net.layers[3].params[0].getdata()
    delta = (out.getdata() - y.getdata()) / 3
    np.testing.assert_allclose(eddl.getDelta(net.lout[0]).getdata(), delta, rtol=1e-5)
    np.testing.assert_allclose(eddl.getDelta(hidden).getdata(), delta @ w2.T, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        eddl.getGradient(net.layers[3], 0).getdata(), eddl.getOutput(hidden).getdata().T @ delta, rtol=1e-5, atol=1e-7
    )
    assert eddl.getDelta(net.lin[0]).shape == [3, 4]
    assert np.abs(eddl.getDelta(net.lin[0]).getdata()).max() > 0


def test_outputs_are_copies():
    net, _ = pair()
    eddl.forward(net, [eddl.Tensor.ones([1, 4])])
    eddl.getOutput(net.lout[0]).fill_(7)
    assert (eddl.getOutput(net.lout[0]).getdata() != 7).all()


def test_inner_layers_after_a_lean_pass():
    net, hidden = pair()
    x = eddl.Tensor.randn([3, 4])
    eddl.predict(net, [x])
    weights, bias = (param.getdata() for param in net.layers[1].params)
    np.testing.assert_allclose(
        eddl.getOutput(hidden).getdata(), np.maximum(x.getdata() @ weights + bias, 0), rtol=1e-5, atol=1e-6
    )
    assert net.watched
    eddl.train_batch(net, [x], [eddl.Tensor.randn([3, 2])])
    np.testing.assert_allclose(
        eddl.getOutput(hidden).getdata(), np.maximum(x.getdata() @ weights + bias, 0), rtol=1e-5, atol=1e-6
    )


def test_looking_inside_leaves_running_statistics_and_random_numbers_alone():
    x = eddl.Input([4])
    hidden = eddl.Dropout(eddl.BatchNormalization(x, True), 0.5)
    net = eddl.Model([x], [eddl.Dense(hidden, 2)])
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    eddl.train_batch(net, [eddl.Tensor.randn([8, 4])], [eddl.Tensor.randn([8, 2])])
    statistics = net.layers[1].params[2].getdata()
    torch.manual_seed(3)
    want = torch.rand(2)
    torch.manual_seed(3)
    eddl.getOutput(hidden)
    assert torch.equal(torch.rand(2), want)
    np.testing.assert_array_equal(net.layers[1].params[2].getdata(), statistics)


def test_inputs_of_layers():
    net, hidden = pair()
    x = eddl.Tensor.randn([3, 4])
    eddl.forward(net, [x])
    np.testing.assert_array_equal(eddl.getInput(net.layers[1]).getdata(), x.getdata())
    with eddl.strict_mode():
        np.testing.assert_array_equal(eddl.getInput(hidden).getdata(), eddl.getOutput(hidden).getdata())


def test_before_any_pass_outputs_are_zeros_of_batch_one():
    _, hidden = pair()
    assert hidden.output.shape == [1, 5]
    assert (eddl.getDelta(hidden).getdata() == 0).all()


def test_copying_parameters():
    net, _ = pair()
    other, _ = pair()
    other.layers[1].params[0].torch.zero_()
    eddl.copyParam(net.layers[1], other.layers[1])
    np.testing.assert_array_equal(other.layers[1].params[0].getdata(), net.layers[1].params[0].getdata())
    with pytest.raises(RuntimeError, match="has parameters of shapes"):
        eddl.copyParam(net.layers[1], other.layers[3])
    with pytest.raises(RuntimeError, match="has no tensor 5"):
        eddl.getParam(net.layers[1], 5)


def test_copying_gradients_and_deltas():
    net, _ = pair()
    eddl.forward(net, [eddl.Tensor.randn([3, 4])])
    eddl.backward(net, [eddl.Tensor.randn([3, 2])])
    other, _ = pair()
    eddl.copyGradient(net.layers[1], other.layers[1], 0)
    np.testing.assert_array_equal(
        eddl.getGradient(other.layers[1], 0).getdata(), eddl.getGradient(net.layers[1], 0).getdata()
    )
    eddl.copyDelta(net.lout[0], other.lout[0])
    np.testing.assert_array_equal(eddl.getDelta(other.lout[0]).getdata(), eddl.getDelta(net.lout[0]).getdata())


def generator_and_critic():
    z = eddl.Input([2])
    made = eddl.Dense(z, 4)
    generator = eddl.Model([z], [made])
    x = eddl.Input([4])
    critic = eddl.Model([x], [eddl.Dense(x, 1)])
    for net, losses in ((generator, ["none"]), (critic, ["mse"])):
        eddl.build(net, eddl.sgd(0.1), losses, ["none"], eddl.CS_CPU(1))
    return generator, critic


def test_gradients_flow_into_the_net_that_fed_this_one():
    generator, critic = generator_and_critic()
    out = eddl.forward(generator, [eddl.Tensor.randn([3, 2])])
    eddl.forward(critic, out)
    eddl.backward(critic, [eddl.Tensor.ones([3, 1])])
    assert np.abs(eddl.getGradient(generator.layers[1], 0).getdata()).max() > 0
    assert np.abs(eddl.getDelta(out[0]).getdata()).max() > 0


def test_detached_layers_stop_the_gradient_until_their_net_runs_again():
    generator, critic = generator_and_critic()
    out = eddl.forward(generator, [eddl.Tensor.randn([3, 2])])
    eddl.forward(critic, eddl.detach(out))
    eddl.backward(critic, [eddl.Tensor.ones([3, 1])])
    assert np.abs(eddl.getGradient(generator.layers[1], 0).getdata()).max() == 0
    assert np.abs(eddl.getGradient(critic.layers[1], 0).getdata()).max() > 0
    eddl.forward(generator, [eddl.Tensor.randn([3, 2])])
    assert not out[0].detached


def autoencoder():
    x = eddl.Input([6])
    out = eddl.Sigmoid(eddl.Dense(eddl.ReLu(eddl.Dense(x, 4)), 6))
    net = eddl.Model([x], [])
    eddl.build(net, eddl.sgd(0.5), [], [], eddl.CS_CPU(1))
    return net, x, out


def test_losses_that_are_graphs():
    net, x, out = autoencoder()
    mse = eddl.newloss(lambda ins: eddl.Pow(eddl.Sub(ins[0], ins[1]), 2.0), [out, x], "mse")
    data = eddl.Tensor.randu([5, 6])
    values = []
    for _ in range(20):
        eddl.zeroGrads(net)
        eddl.forward(net, [data])
        values.append(eddl.compute_loss(mse) / 5)
        eddl.optimize(mse)
        eddl.update(net)
    want = ((eddl.getOutput(out).getdata() - data.getdata()) ** 2).mean()
    assert values[-1] == pytest.approx(want, rel=1e-4)
    assert values[-1] < 0.8 * values[0]


def test_two_losses_of_one_pass_with_an_update_between():
    net, x, out = autoencoder()
    first = eddl.newloss(lambda ins: eddl.Abs(eddl.Sub(ins[0], ins[1])), [out, x], "mae")
    second = eddl.newloss(lambda layer: eddl.Mult(layer, layer), out, "size")
    eddl.zeroGrads(net)
    eddl.forward(net, [eddl.Tensor.randu([5, 6])])
    eddl.compute_loss(first)
    eddl.compute_loss(second)
    eddl.optimize(first)
    eddl.update(net)
    eddl.optimize([second])
    eddl.update(net)
    assert np.isfinite(net.layers[1].params[0].getdata()).all()


def test_a_loss_before_it_was_computed_says_so():
    _, x, out = autoencoder()
    loss = eddl.newloss(lambda ins: eddl.Sub(ins[0], ins[1]), [out, x], "l")
    with pytest.raises(EddlError, match="compute_loss"):
        eddl.optimize(loss)


@pytest.mark.parametrize("through", ["train_batch", "loop"])
def test_regularizers_shrink_weights_whatever_the_learning_rate(through):
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.L2(eddl.Dense(x, 3), 0.25)])
    eddl.build(net, eddl.sgd(0.0), ["mse"], ["mse"], eddl.CS_CPU(1))
    before = [param.getdata() for param in net.layers[1].params]
    data, targets = eddl.Tensor.randn([2, 4]), eddl.Tensor.randn([2, 3])
    if through == "train_batch":
        eddl.train_batch(net, [data], [targets])
    else:
        eddl.forward(net, [data])
        eddl.backward(net, [targets])
        eddl.update(net)
    np.testing.assert_allclose(net.layers[1].params[0].getdata(), 0.75 * before[0], rtol=1e-6)
    np.testing.assert_array_equal(net.layers[1].params[1].getdata(), before[1])


def test_frozen_layers_stay():
    net, _ = pair()
    frozen = net.layers[3]
    eddl.setTrainable(net, frozen.name, False)
    before = [param.getdata() for layer in (net.layers[1], frozen) for param in layer.params]
    eddl.train_batch(net, [eddl.Tensor.randn([3, 4])], [eddl.Tensor.randn([3, 2])])
    after = [param.getdata() for layer in (net.layers[1], frozen) for param in layer.params]
    assert (before[0] != after[0]).any()
    assert (before[2] == after[2]).all()
    assert (eddl.getGradient(frozen, 0).getdata() == 0).all()
    eddl.setTrainable(net, frozen.name, True)
    eddl.train_batch(net, [eddl.Tensor.randn([3, 4])], [eddl.Tensor.randn([3, 2])])
    assert (frozen.params[0].getdata() != before[2]).any()


def test_backward_without_a_beginning():
    net, _ = pair()
    with pytest.raises(RuntimeError, match="has not been run"):
        eddl.backward(net, [eddl.Tensor.ones([1, 2])])
    eddl.forward(net, [eddl.Tensor.ones([1, 4])])
    with pytest.raises(RuntimeError, match="neither targets nor gradients"):
        eddl.backward(net)


def test_normalisations_are_not_regularized():
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.Dense(eddl.L2(eddl.BatchNormalization(x, True), 0.5), 3)])
    eddl.build(net, eddl.sgd(0.0), ["mse"], ["mse"], eddl.CS_CPU(1))
    eddl.train_batch(net, [eddl.Tensor.randn([5, 4])], [eddl.Tensor.randn([5, 3])])
    assert (net.layers[1].params[0].getdata() == 1).all()


@pytest.mark.parametrize(
    ("strict", "kind", "shrunk"), [(False, "LSTM", 0.5), (True, "LSTM", 1.0), (False, "RNN", 0.5), (True, "RNN", 0.125)]
)
def test_regularizers_of_recurrent_layers(strict, kind, shrunk):
    with eddl.strict_mode(strict):
        x = eddl.Input([4])
        net = eddl.Model([x], [eddl.L2(getattr(eddl, kind)(x, 3), 0.5)])
        eddl.build(net, eddl.sgd(0.0), ["mse"], ["mse"], eddl.CS_CPU(1))
        before = [param.getdata() for param in net.layers[1].params if param.ndim == 2]
        eddl.train_batch(net, [eddl.Tensor.randn([5, 3, 4])], [eddl.Tensor.randn([5, 1, 3])])
        after = [param.getdata() for param in net.layers[1].params if param.ndim == 2]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, shrunk * old, rtol=1e-5)
