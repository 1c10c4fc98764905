"""Building: names of losses and metrics, counts, services, weights."""

import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlUnsupportedError
from deephealth.eddl.net.building import EddlBuildWarning


def net_of(out=3):
    x = eddl.Input([4])
    return eddl.Model([x], [eddl.Softmax(eddl.Dense(x, out))])


@pytest.mark.parametrize(("lo", "me"), [(["mse"], None), (None, ["mse"])])
def test_losses_without_metrics_are_refused(lo, me):
    with pytest.raises(ValueError, match="both None or both not None"):
        eddl.build(net_of(), eddl.sgd(0.1), lo, me)


def test_losses_without_an_optimizer_are_refused():
    with pytest.raises(ValueError, match="o cannot be None"):
        eddl.build(net_of(), None, ["mse"], ["mse"])


@pytest.mark.parametrize(("lo", "me", "what"), [(["mse"] * 2, ["mse"], "2 losses"), (["mse"], [], "0 metrics")])
def test_one_loss_and_one_metric_per_output(lo, me, what):
    with pytest.raises(RuntimeError, match=what):
        eddl.build(net_of(), eddl.sgd(0.1), lo, me)


def test_unknown_names_are_value_errors():
    with pytest.raises(ValueError, match="msee"):
        eddl.build(net_of(), eddl.sgd(0.1), ["msee"], ["mse"])
    with pytest.raises(ValueError, match="unsupported metric: acc"):
        eddl.build(net_of(), eddl.sgd(0.1), ["mse"], ["acc"])


def test_a_second_build_warns_and_changes_nothing():
    net = net_of()
    first = eddl.sgd(0.1)
    eddl.build(net, first, ["mse"], ["mse"])
    with pytest.warns(EddlBuildWarning, match="built already"):
        eddl.build(net, eddl.adam(0.1), ["mse"], ["mse"])
    assert net.optimizer is first


def test_build_without_anything_makes_a_net_that_only_runs():
    net = net_of()
    eddl.build(net)
    assert eddl.predict(net, [eddl.Tensor.ones([2, 4])])[0].shape == [2, 3]
    assert type(net.optimizer).__name__ == "SGD"


def test_weights_do_not_depend_on_the_global_generator_and_layers_differ():
    def weights():
        x = eddl.Input([6])
        net = eddl.Model([x], [eddl.Dense(eddl.Dense(x, 6), 6)])
        eddl.build(net)
        return [param[0].getdata() for param in eddl.get_parameters(net)[1:]]

    torch.manual_seed(1)
    first = weights()
    torch.manual_seed(2)
    second = weights()
    assert (first[0] == second[0]).all()
    assert (first[0] != first[1]).any()


def test_init_weights_false_keeps_them():
    net = net_of()
    net.layers[1].params[0].torch.fill_(0.25)
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], init_weights=False)
    assert (net.layers[1].params[0].getdata() == 0.25).all()


def test_an_imported_net_that_is_drawn_again_warns():
    net = net_of()
    net.onnx_pretrained = True
    with pytest.warns(EddlBuildWarning, match="init_weights=False"):
        eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"])


def test_initialize_layer_draws_again():
    net = net_of()
    eddl.build(net)
    before = net.layers[1].params[0].getdata()
    eddl.initializeLayer(net, net.layers[1].name)
    assert (net.layers[1].params[0].getdata() != before).any()


def test_cpu_threads_are_honoured():
    threads = torch.get_num_threads()
    try:
        eddl.build(net_of(), eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "make", [lambda: eddl.CS_CPU(0), lambda: eddl.CS_CPU(1, "some_mem"), lambda: eddl.CS_FPGA([1])]
)
def test_services_that_make_no_sense(make):
    with pytest.raises(RuntimeError):
        make()


def test_compss_can_be_made_but_not_built_with():
    service = eddl.CS_COMPSS("project.xml")
    with pytest.raises(EddlUnsupportedError, match="torchrun"):
        eddl.build(net_of(), eddl.sgd(0.1), ["mse"], ["mse"], service)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(RuntimeError, match="CS_CPU"):
        eddl.CS_GPU([1])
    net = net_of()
    with pytest.raises(RuntimeError, match="unknown memory setting 'small'"):
        eddl.toGPU(net, mem="small")


def test_fpga_names_the_replacement():
    with pytest.raises(RuntimeError, match="CS_CPU"):
        eddl.toFPGA(net_of())


def test_any_torch_optimizer():
    net = net_of()
    eddl.build(net, lambda params: torch.optim.AdamW(params, lr=0.1), ["mse"], ["mse"])
    before = net.layers[1].params[0].getdata()
    eddl.train_batch(net, [eddl.Tensor.ones([2, 4])], [eddl.Tensor.ones([2, 3])])
    assert (net.layers[1].params[0].getdata() != before).any()
