"""The compiled module's calling conventions, where they differ from the Python functions'."""

from __future__ import annotations

import numpy as np
import pytest

from deephealth import eddl
from deephealth.eddl import core_api as core


def test_batch_normalisation_has_other_defaults_and_two_orders():
    x = eddl.Input([4])
    for layer in (core.BatchNormalization(x, True), core.BatchNormalization(x, 0.99, 0.001, True)):
        assert len(layer.params) == 4
        assert (layer.op.momentum, layer.op.epsilon) == (0.99, 0.001)
    assert len(core.BatchNormalization(x, affine=False).params) == 2
    assert core.BatchNormalization(x, True, 0.9, 0.1, "foo").name == "foo"
    assert (core.BatchNormalization(x, True, 0.9, 0.1).op.momentum) == 0.9


@pytest.mark.parametrize("arguments", [(True, 0.9, 0.1, "a", "b"), (True, 0.9)])
def test_arguments_that_do_not_fit_are_refused(arguments):
    named = {} if len(arguments) > 4 else {"affine": False}
    with pytest.raises(TypeError, match="don't fit"):
        core.BatchNormalization(eddl.Input([4]), *arguments, **named)


def test_layer_normalisation_has_two_orders():
    x = eddl.Input([4])
    assert len(core.LayerNormalization(x, 0.01, False).params) == len(core.LayerNormalization(x, False, 0.01).params)


def make_net():
    x = eddl.Input([3])
    return eddl.Model([x], [eddl.Dense(x, 2)])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        ((eddl.sgd(0.1),), {}),
        ((eddl.sgd(0.1), eddl.CS_CPU(1)), {}),
        ((eddl.sgd(0.1), eddl.CS_CPU(1), True), {}),
        ((eddl.sgd(0.1), ["mse"], ["mse"]), {}),
        ((eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1), False), {}),
        ((eddl.sgd(0.1),), {"lo": ["mse"], "me": ["mse"], "cs": eddl.CS_CPU(1)}),
        ((eddl.sgd(0.1), eddl.CS_CPU(1)), {"init_weigths": False}),
    ],
)
def test_nets_are_built_in_all_the_compiled_ways(arguments, named):
    if "lo" not in named and not any(isinstance(argument, list) for argument in arguments):
        x = eddl.Input([3])
        net = eddl.Model([x], [])
    else:
        net = make_net()
    core.build(net, *arguments, **named)
    assert net.isbuild


def test_keywords_of_the_compiled_module_are_understood():
    net = make_net()
    core.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    data, target = eddl.Tensor.ones([4, 3]), eddl.Tensor.ones([4, 2])
    core.train_batch(net, **{"in": [data], "out": [target]})
    core.forward(net, **{"in": [data]})
    core.backward(m=net, target=[target])
    assert core.getLayer(net, l=net.layers[1].name) is net.layers[1]
    assert core.getLoss(type="mse").name == eddl.getLoss("mse").name
    assert core.Sub(net.layers[1], k=1.0).shape == [2]
    x = eddl.Input([3])
    assert core.Model(**{"in": [x], "out": [eddl.ReLu(x)]}).lin == [x]


def test_forward_takes_a_batch_size_in_its_place():
    net = make_net()
    core.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    core.forward(net, 5)
    assert net.layers[1].output.shape == [5, 2]


def test_an_imported_net_may_be_given_its_memory_level_first(tmp_path):
    i = eddl.Input([1, 8, 8])
    net = eddl.Model([i], [eddl.Dense(eddl.Flatten(eddl.Conv2D(i, 2, [3, 3])), 2)])
    core.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    path = str(tmp_path / "a.onnx")
    eddl.save_net_to_onnx_file(net, path)
    for imported in (
        core.import_net_from_onnx_file(path),
        core.import_net_from_onnx_file(path, 0),
        core.import_net_from_onnx_file(path, 0, eddl.LOG_LEVEL.WARN),
        core.import_net_from_onnx_file(path, [1, 8, 8], 0),
        core.import_net_from_onnx_file(path, input_shape=[1, 8, 8]),
    ):
        core.build(imported, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1), False)
        x = eddl.Tensor.ones([1, 1, 8, 8])
        np.testing.assert_allclose(
            eddl.predict(imported, [x])[0].getdata(), eddl.predict(net, [x])[0].getdata(), rtol=1e-4, atol=1e-6
        )


def test_classes_answer_isinstance():
    i = eddl.Input([1, 8])
    assert isinstance(eddl.MaxPool1D(i), core.LMaxPool1D)
    assert isinstance(eddl.MaxPool1D(i), core.LPool1D)
    assert isinstance(eddl.Add([i, i]), core.MLayer)
    assert not isinstance(eddl.Add([i, i]), core.OperatorLayer)
    assert isinstance(eddl.Exp(i), core.OperatorLayer)
    assert not isinstance(eddl.Exp(i), core.LHLSinf)
    assert isinstance(i, core.LinLayer)


def test_constants_and_unknown_names():
    assert (core.DEV_CPU, core.DEV_GPU, core.DEV_FPGA, core.MAX_THREADS) == (0, 1000, 2000, 1024)
    assert core.VLayer([1, 2]) == [1, 2]
    with pytest.raises(AttributeError, match="LNonsense"):
        _ = core.LNonsense
