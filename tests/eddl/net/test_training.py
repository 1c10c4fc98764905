"""Training steps: what they compute, what they print, and what they refuse."""

import numpy as np
import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.net.scoring import NonFiniteTargetError


def classifier(optimizer=None, loss="softmax_cross_entropy"):
    x = eddl.Input([6])
    net = eddl.Model([x], [eddl.Softmax(eddl.Dense(eddl.ReLu(eddl.Dense(x, 8)), 3))])
    eddl.build(net, optimizer or eddl.sgd(0.1), [loss], ["accuracy"], eddl.CS_CPU(1))
    return net


def data(samples=20, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, 6)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[rng.integers(0, 3, samples)]
    return eddl.Tensor.fromarray(x), eddl.Tensor.fromarray(y)


def test_training_lowers_the_loss():
    net, (x, y) = classifier(), data()
    losses = []
    for _ in range(30):
        eddl.reset_loss(net)
        eddl.train_batch(net, [x], [y])
        losses += eddl.get_losses(net)
    assert losses[-1] < 0.8 * losses[0]


def test_one_step_is_the_hand_written_one():
    net, (x, y) = classifier(), data()
    w1, b1, w2, b2 = (
        torch.tensor(param.getdata(), requires_grad=True) for layer in eddl.get_parameters(net) for param in layer
    )
    logits = torch.relu(x.torch @ w1 + b1) @ w2 + b2
    loss = torch.nn.functional.cross_entropy(logits, y.torch)
    loss.backward()
    eddl.train_batch(net, [x], [y])
    after = [param.getdata() for layer in eddl.get_parameters(net) for param in layer]
    for param, new in zip((w1, b1, w2, b2), after, strict=True):
        np.testing.assert_allclose(new, (param - 0.1 * param.grad).detach().numpy(), rtol=1e-5, atol=1e-7)
    assert eddl.get_losses(net)[0] == pytest.approx(loss.item(), rel=1e-5)


def test_the_module_has_true_derivatives_outside_the_nets_own_steps():
    net, (x, y) = classifier(), data()
    out = net.module(x.torch)
    torch.nn.functional.mse_loss(out, y.torch).backward()
    got = net.layers[1].module.weight.grad.clone()
    twin, _ = classifier(loss="mse"), None
    eddl.set_parameters(twin, eddl.get_parameters(net))
    torch.nn.functional.mse_loss(twin.module(x.torch), y.torch).backward()
    torch.testing.assert_close(got, twin.layers[1].module.weight.grad)


def test_finest_loop_equals_train_batch():
    first, second = classifier(), classifier()
    eddl.set_parameters(second, eddl.get_parameters(first))
    x, y = data()
    eddl.train_batch(first, [x], [y])
    eddl.set_mode(second, 1)
    eddl.zeroGrads(second)
    eddl.forward(second, [x])
    eddl.backward(second, [y])
    eddl.update(second)
    for a, b in zip(eddl.get_parameters(first), eddl.get_parameters(second), strict=True):
        for one, two in zip(a, b, strict=True):
            np.testing.assert_array_equal(one.getdata(), two.getdata())
    assert eddl.get_losses(first) == pytest.approx(eddl.get_losses(second))


def test_indices_choose_rows():
    first, second = classifier(), classifier()
    eddl.set_parameters(second, eddl.get_parameters(first))
    x, y = data()
    rows = [3, 1, 7, 7]
    eddl.train_batch(first, [x], [y], rows)
    eddl.train_batch(second, [eddl.Tensor.fromarray(x.getdata()[rows])], [eddl.Tensor.fromarray(y.getdata()[rows])])
    np.testing.assert_array_equal(first.layers[1].params[0].getdata(), second.layers[1].params[0].getdata())


def test_eval_batch_changes_nothing_but_the_totals():
    net, (x, y) = classifier(), data()
    before = net.layers[1].params[0].getdata()
    eddl.eval_batch(net, [x], [y], [0, 1, 2])
    assert net.inferenced_samples == 3
    assert net.trmode == 0
    np.testing.assert_array_equal(net.layers[1].params[0].getdata(), before)


def test_fit_sees_every_sample_once_per_epoch():
    seen = []
    x = eddl.Input([1])
    net = eddl.Model([x], [eddl.Dense(x, 1)])
    eddl.build(net, eddl.sgd(0.0), ["mse"], ["mse"], eddl.CS_CPU(1))
    net.module.register_forward_pre_hook(lambda _, args: seen.extend(args[0].flatten().tolist()))
    values = eddl.Tensor.fromarray(np.arange(10)[:, None])
    eddl.fit(net, [values], [values], 2, 3)
    assert len(seen) == 30
    assert all(sorted(seen[start : start + 10]) == list(range(10)) for start in (0, 10, 20))


def test_strict_fit_draws_with_replacement():
    torch.manual_seed(0)
    seen = []
    x = eddl.Input([1])
    net = eddl.Model([x], [eddl.Dense(x, 1)])
    eddl.build(net, eddl.sgd(0.0), ["mse"], ["mse"], eddl.CS_CPU(1))
    net.module.register_forward_pre_hook(lambda _, args: seen.extend(args[0].flatten().tolist()))
    values = eddl.Tensor.fromarray(np.arange(50)[:, None])
    with eddl.strict_mode():
        eddl.fit(net, [values], [values], 10, 1)
    assert len(seen) == 50 > len(set(seen))


def test_fit_prints_what_the_original_prints(capsys):
    net, (x, y) = classifier(), data()
    eddl.fit(net, [x], [y], 8, 2)
    out = capsys.readouterr().out
    assert out.startswith("2 epochs of 2 batches of size 8\nEpoch 1\n[")
    assert out.count("secs/epoch") == 2
    assert "█" in out
    assert f"{net.lout[0].name}[loss=" in out


def test_evaluate_leaves_the_remainder_out(capsys):
    net, (x, y) = classifier(), data()
    eddl.evaluate(net, [x], [y], bs=8)
    assert net.inferenced_samples == 16
    assert capsys.readouterr().out.startswith("Evaluate with batch size 8\n")
    want = eddl.predict(net, [x])[0].getdata()[:16].argmax(1) == y.getdata()[:16].argmax(1)
    assert eddl.get_metrics(net)[0] == pytest.approx(want.mean())


def test_log_files(tmp_path):
    net, (x, y) = classifier(), data()
    eddl.setlogfile(net, str(tmp_path / "run"))
    eddl.fit(net, [x], [y], 10, 2)
    eddl.evaluate(net, [x], [y])
    lines = (tmp_path / "run_tr.log").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{net.lout[0].name} loss[softmax_cross_entropy]=")
    assert "metric[" in lines[0]
    assert len((tmp_path / "run_ts.log").read_text().splitlines()) == 2
    with pytest.raises(RuntimeError, match="cannot be written"):
        eddl.setlogfile(net, str(tmp_path / "no such folder" / "run"))


def test_next_batch_draws_the_same_rows_for_all():
    x = eddl.Tensor.fromarray(np.arange(10)[:, None])
    a, b = eddl.Tensor([4, 1]), eddl.Tensor([4, 1])
    eddl.next_batch([x, x], [a, b])
    np.testing.assert_array_equal(a.getdata(), b.getdata())


# ---------------------------------------------------------------------- refused


def test_training_an_unbuilt_net():
    x = eddl.Input([6])
    net = eddl.Model([x], [eddl.Dense(x, 3)])
    data_x, data_y = data()
    for call in (
        lambda: eddl.train_batch(net, [data_x], [data_y]),
        lambda: eddl.fit(net, [data_x], [data_y], 4, 1),
        lambda: eddl.evaluate(net, [data_x], [data_y], 4),
        lambda: eddl.update(net),
        lambda: eddl.setlr(net, [0.1]),
    ):
        with pytest.raises(RuntimeError, match="is not built"):
            call()


@pytest.mark.parametrize("batch", [21, 0, -3])
def test_a_batch_that_does_not_fit_the_data(batch):
    net, (x, y) = classifier(), data()
    with pytest.raises(EddlShapeError, match="1 to 20, the number of samples"):
        eddl.fit(net, [x], [y], batch, 1)


def test_shapes_are_said_with_the_layer():
    net, (x, y) = classifier(), data()
    with pytest.raises(RuntimeError, match=rf"(?s){net.lin[0].name} has shape \[20, 5\].*\[batch, 6\]"):
        eddl.train_batch(net, [eddl.Tensor.ones([20, 5])], [y])
    with pytest.raises(RuntimeError, match=rf"(?s){net.lout[0].name} has shape \[20, 4\].*\[20, 3\]"):
        eddl.train_batch(net, [x], [eddl.Tensor.ones([20, 4])])
    with pytest.raises(RuntimeError, match="0 input tensors"):
        eddl.predict(net, [])
    with pytest.raises(RuntimeError, match="20 and 19 samples"):
        eddl.fit(net, [x], [eddl.Tensor.ones([19, 3])], 4, 1)
    with pytest.raises(RuntimeError, match="indices reach from 0 to 20"):
        eddl.train_batch(net, [x], [y], [0, 20])


def test_an_inner_layer_that_cannot_run_is_named():
    x = eddl.Input([4])
    bad = eddl.MatMul([x, eddl.Dense(x, 3)], name="product")
    net = eddl.Model([x], [bad])
    with pytest.raises(EddlShapeError, match="product"):
        eddl.predict(net, [eddl.Tensor.ones([2, 4])])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_targets_that_are_not_finite_change_no_weight(value):
    net, (x, y) = classifier(), data()
    bad = y.getdata()
    bad[2, 1] = value
    before = net.layers[1].params[0].getdata()
    with pytest.raises(NonFiniteTargetError, match=r"sample\(s\) 2"):
        eddl.train_batch(net, [x], [eddl.Tensor.fromarray(bad)])
    np.testing.assert_array_equal(net.layers[1].params[0].getdata(), before)
