"""Making nets: which layers belong, in which order, and what is refused."""

import pytest

from deephealth import eddl
from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.net.model import EddlNameWarning


def mlp(width=8, out=3):
    x = eddl.Input([width])
    hidden = eddl.ReLu(eddl.Dense(x, 16))
    y = eddl.Softmax(eddl.Dense(hidden, out))
    return eddl.Model([x], [y])


def test_layers_are_listed_parents_first():
    x = eddl.Input([4])
    a, b = eddl.Dense(x, 5), eddl.Dense(x, 5)
    y = eddl.Add([a, b])
    net = eddl.Model([x], [y])
    assert net.layers == [x, a, b, y]
    assert all(layer.net is net for layer in net.layers)


def test_default_names_count_over_all_nets():
    reset_names()
    first, second = mlp(), mlp()
    assert [layer.name for layer in first.layers] == ["input1", "dense1", "relu1", "dense2", "softmax2"]
    assert [layer.name for layer in second.layers] == ["input2", "dense3", "relu3", "dense4", "softmax4"]


def test_names_of_users_lose_slashes():
    assert eddl.Input([2], "a/b-c:d").name == "a_b_c_d"


def test_outputs_that_do_not_come_from_the_inputs_are_refused():
    with pytest.raises(RuntimeError, match=r"no input .* leads to the outputs"):
        eddl.Model([eddl.Input([4])], [eddl.ReLu(eddl.Input([4]))])


def test_an_input_that_was_not_named_is_refused_by_name():
    a, b = eddl.Input([4], "a"), eddl.Input([4], "b")
    net = eddl.Model([a], [eddl.Add([a, b])])
    with pytest.raises(EddlError, match="layer b is an input but not one of the net's inputs"):
        _ = net.module


def test_a_net_without_outputs_ends_where_nothing_reads():
    x = eddl.Input([4])
    y = eddl.ReLu(x)
    net = eddl.Model([x], [])
    assert eddl.getOut(net) == [y]


def test_get_layer_suggests_the_nearest_name():
    net = mlp()
    assert eddl.getLayer(net, net.layers[1].name) is net.layers[1]
    with pytest.raises(RuntimeError, match="did you mean"):
        eddl.getLayer(net, net.layers[1].name + "x")


def test_remove_layer_cuts_an_output_off(capsys):
    x = eddl.Input([4])
    body = eddl.Dense(x, 5, name="body")
    eddl.Dense(body, 10, name="head")
    net = eddl.Model([x], [eddl.Softmax(body.child[0], name="top_softmax")])
    eddl.removeLayer(net, "top_softmax")
    eddl.removeLayer(net, "head")
    eddl.removeLayer(net, "no such layer")
    assert "output layer has been removed" in capsys.readouterr().out
    smaller = eddl.Model([x], [eddl.getLayer(net, "body")])
    assert [layer.name for layer in smaller.layers] == [x.name, "body"]
    assert eddl.predict(smaller, [eddl.Tensor.ones([2, 4])])[0].shape == [2, 5]


def test_remove_layer_after_build_is_refused():
    net = mlp()
    eddl.build(net)
    with pytest.raises(RuntimeError, match="before build"):
        eddl.removeLayer(net, net.layers[1].name)


def test_a_layer_can_serve_two_nets():
    x = eddl.Input([4])
    shared = eddl.Dense(x, 3)
    first, second = eddl.Model([x], [eddl.ReLu(shared)]), eddl.Model([x], [eddl.Tanh(shared)])
    assert first.parameters() == second.parameters()


def test_layers_whose_names_mean_something_to_torch_still_run():
    x = eddl.Input([4], "forward")
    net = eddl.Model([x], [eddl.Dense(x, 3, name="training")])
    assert eddl.predict(net, [eddl.Tensor.ones([2, 4])])[0].shape == [2, 3]


def test_two_layers_of_one_name_keep_their_own_parameters():
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.Dense(eddl.Dense(x, 3, name="d"), 2, name="d")])
    assert sum(p.numel() for p in net.module.parameters()) == 4 * 3 + 3 + 3 * 2 + 2


def test_unknown_names_change_nothing_but_say_so():
    net = mlp()
    for call in (lambda: eddl.setTrainable(net, "nobody", False), lambda: eddl.initializeLayer(net, "nobody")):
        with pytest.warns(EddlNameWarning, match="no layer 'nobody'"):
            call()
    assert all(layer.trainable for layer in net.layers)


def test_all_layers_of_one_name_are_frozen():
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.Dense(eddl.Dense(x, 3, name="d"), 2, name="d")])
    eddl.setTrainable(net, "d", False)
    assert [layer.trainable for layer in net.layers] == [True, False, False]


def test_small_methods_of_layers(capsys):
    net, other = mlp(), mlp()
    layer = net.layers[1]
    layer.params[0].torch.fill_(3.0)
    layer.copy(other.layers[1])
    assert (other.layers[1].params[0].getdata() == 3).all()
    layer.clamp(-1, 1)
    assert (layer.params[0].getdata() == 1).all()
    layer.info()
    assert net.lin[0].name in capsys.readouterr().out
    eddl.forward(net, [eddl.Tensor.ones([2, 8])])
    layer.resize(5)
    assert layer.output.shape == [1, 16]
    layer.setmode(0)
    assert not layer.op.training
