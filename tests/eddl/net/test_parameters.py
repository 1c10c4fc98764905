"""Parameters: lists, files, limits, and what is refused."""

import struct

import numpy as np
import pytest

from deephealth import eddl


def net_of(filters=4):
    x = eddl.Input([2, 6, 6])
    body = eddl.ReLu(eddl.BatchNormalization(eddl.Conv(x, filters, [3, 3]), True))
    net = eddl.Model([x], [eddl.Dense(eddl.Flatten(body), 3)])
    eddl.build(net, eddl.adam(0.01), ["mse"], ["mse"], eddl.CS_CPU(1))
    return net


def all_params(net):
    return [param.getdata() for layer in eddl.get_parameters(net) for param in layer]


def test_parameters_are_listed_for_every_layer_and_alias():
    net = net_of()
    listed = eddl.get_parameters(net)
    assert [len(params) for params in listed] == [0, 2, 4, 0, 0, 2]
    listed[1][0].torch.fill_(2.0)
    assert (eddl.getParam(net.layers[1], 0).getdata() == 2).all()
    copies = eddl.get_parameters(net, True)
    copies[1][0].torch.fill_(3.0)
    assert (eddl.getParam(net.layers[1], 0).getdata() == 2).all()


def test_set_parameters_copies():
    first, second = net_of(), net_of()
    for param in second.layers[1].params:
        param.torch.zero_()
    eddl.set_parameters(second, eddl.get_parameters(first))
    for one, two in zip(all_params(first), all_params(second), strict=True):
        np.testing.assert_array_equal(one, two)


def test_parameters_of_another_net_are_refused_whole():
    net, other = net_of(4), net_of(5)
    before = all_params(net)
    with pytest.raises(RuntimeError, match=net.layers[1].name):
        eddl.set_parameters(net, eddl.get_parameters(other))
    with pytest.raises(RuntimeError, match="parameters of 2 layers"):
        eddl.set_parameters(net, eddl.get_parameters(other)[:2])
    for one, two in zip(before, all_params(net), strict=True):
        np.testing.assert_array_equal(one, two)


def test_save_and_load(tmp_path):
    net, other = net_of(), net_of()
    eddl.train_batch(net, [eddl.Tensor.randn([4, 2, 6, 6])], [eddl.Tensor.randn([4, 3])])
    eddl.save(net, str(tmp_path / "net.bin"))
    eddl.load(other, str(tmp_path / "net.bin"))
    for one, two in zip(all_params(net), all_params(other), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_file_is_the_originals(tmp_path):
    x = eddl.Input([2])
    net = eddl.Model([x], [eddl.Dense(x, 3)])
    eddl.save(net, str(tmp_path / "net.bin"))
    weights, bias = (param.getdata() for param in net.layers[1].params)
    want = struct.pack("<3i", 2, 2, 3) + weights.tobytes() + struct.pack("<2i", 1, 3) + bias.tobytes()
    assert (tmp_path / "net.bin").read_bytes() == want


@pytest.mark.parametrize("cut", [1, 4, 200])
def test_truncated_files_change_nothing(tmp_path, cut):
    net = net_of()
    eddl.save(net, str(tmp_path / "net.bin"))
    whole = (tmp_path / "net.bin").read_bytes()
    (tmp_path / "short.bin").write_bytes(whole[:-cut])
    before = all_params(net)
    with pytest.raises(RuntimeError, match=r"short\.bin"):
        eddl.load(net, str(tmp_path / "short.bin"))
    for one, two in zip(before, all_params(net), strict=True):
        np.testing.assert_array_equal(one, two)


def test_files_of_other_nets_missing_files_and_formats(tmp_path):
    eddl.save(net_of(5), str(tmp_path / "other.bin"))
    with pytest.raises(RuntimeError, match="was given parameters of shapes"):
        eddl.load(net_of(4), str(tmp_path / "other.bin"))
    with pytest.raises(RuntimeError, match="no file"):
        eddl.load(net_of(), str(tmp_path / "missing.bin"))
    with pytest.raises(RuntimeError, match="unknown format"):
        eddl.save(net_of(), str(tmp_path / "x"), "onnx")


def test_clamp_holds_all_parameters():
    net = net_of()
    eddl.clamp(net, -0.01, 0.01)
    assert max(np.abs(param).max() for param in all_params(net)) <= 0.0100001


def test_compare_nets():
    net, other = net_of(), net_of()
    assert type(net).compare_params(net, other)
    other.layers[1].params[0].torch.add_(1)
    assert not type(net).compare_params(net, other)
    x = eddl.Tensor.randn([2, 2, 6, 6])
    eddl.forward(net, [x])
    eddl.forward(other, [x])
    assert not type(net).compare_outputs(net, other)
    assert type(net).compare_outputs(net, net)
