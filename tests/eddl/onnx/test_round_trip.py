"""Every layer that ONNX can say: to ONNX and back, and through onnxruntime, the numbers stay the same."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")

from deephealth import eddl  # noqa: E402
from tests.eddl.onnx.table import GROUPS, RECURRENT, net_of  # noqa: E402

SAME_CLASS = {
    "vector": "dense relu sigmoid tanh leaky selu softmax dropout reshape unsqueeze batchnorm sqrt abs exp log pow "
    "clamp sum_cl sub_cl sub_lc div_lc mult_lc mult maximum minimum",
    "image": "conv_same conv_same_stride conv_valid_nobias conv_dilated conv_groups depthwise pointwise conv_transpose "
    "batchnorm maxpool maxpool_same avgpool avgpool_same global_max global_avg softmax_axis1 dense_nd flatten permute "
    "transpose select concat add reduce_mean reduce_sum reduce_min tile",
    "sequence": "conv1d maxpool1d avgpool1d global1d",
    "volume": "conv3d maxpool3d avgpool3d conv_transpose3d batchnorm3d global3d",
}


@pytest.fixture(scope="module")
def trips(drawn, run, run_onnx):
    """Export one net per group, with an output per layer; import it again and run all three."""

    @functools.cache
    def trip(group):
        torch.manual_seed(0)
        net, names = net_of(group)
        drawn(net)
        content = eddl.serialize_net_to_onnx_string(net, False)
        again = eddl.import_net_from_onnx_string(content)
        x = torch.rand(3, *GROUPS[group][0])
        rows = zip(run(net, x), run(again, x), run_onnx(content, x), net.lout, again.lout, strict=True)
        return content, dict(zip(names, rows, strict=True))

    return trip


@pytest.mark.parametrize(("group", "name"), [(g, n) for g, (_, table) in GROUPS.items() for n in table])
def test_a_layer_gives_the_same_numbers_everywhere(group, name, trips, difference):
    mine, again, standard, *_ = trips(group)[1][name]
    assert difference(mine, again) <= 1e-4
    assert difference(mine, standard.to(mine.dtype)) <= 1e-4


@pytest.mark.parametrize(("group", "name"), [(g, n) for g, names in SAME_CLASS.items() for n in names.split()])
def test_a_layer_comes_back_as_itself(group, name, trips):
    *_, mine, again = trips(group)[1][name]
    assert (type(again).__name__, again.name, again.shape) == (type(mine).__name__, mine.name, mine.shape)


def test_the_file_is_eddls_in_names(trips):
    content, rows = trips("image")
    model = onnx.load_from_string(content)
    assert model.producer_name == "deephealth EDDL"
    weights = {tensor.name for tensor in model.graph.initializer}
    assert {
        "conv2d1_W",
        "conv2d1_b",
        *(f"batchnorm1_{what}" for what in ("scale", "bias", "mean", "variance")),
    } <= weights
    assert [value.name for value in model.graph.output] == [row[3].name for row in rows.values()]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert {node.name for node in model.graph.node} >= {"conv2d1", "batchnorm1", "maxpool2d2"}
    assert not any(node.metadata_props for node in model.graph.node if node.op_type != "Mul")
    assert "/" not in "".join(node.doc_string for node in model.graph.node)  # no paths of the machine


@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_net_gives_the_same_numbers_everywhere(name, drawn, run, run_onnx, difference):
    shape, build = RECURRENT[name]
    x = eddl.Input(shape)
    net = drawn(eddl.Model([x], [build(x)]))
    content = eddl.serialize_net_to_onnx_string(net, False)
    again = eddl.import_net_from_onnx_string(content)
    sequence = torch.rand(3, 6, *shape) * (9 if name == "embedded" else 1)
    (mine,), (theirs,), (standard,) = run(net, sequence), run(again, sequence), run_onnx(content, sequence)
    assert difference(mine, theirs) <= 1e-4
    assert difference(mine, standard.reshape(mine.shape)) <= 1e-4
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in net.layers]
    assert [layer.name for layer in again.layers] == [layer.name for layer in net.layers]


def test_a_fixed_number_of_steps_is_written_down(drawn, tmp_path):
    x = eddl.Input([3])
    net = drawn(eddl.Model([x], [eddl.Dense(eddl.GRU(x, 4), 2)]))
    eddl.save_net_to_onnx_file(net, str(tmp_path / "net.onnx"), 7)
    model = onnx.load(tmp_path / "net.onnx")
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert (model.graph.input[0].name, dims[1].dim_value, dims[2].dim_value) == ("input1orig", 7, 3)
    assert [node.op_type for node in model.graph.node if node.op_type == "GRU"]


def test_an_encoder_and_decoder_come_back(drawn, difference, run_onnx):
    x = eddl.Input([3], name="source")
    encoded = eddl.LSTM(x, 4, name="encoder")
    token = eddl.Input([2], name="token")
    eddl.setDecoder(token)
    out = eddl.Dense(eddl.LSTM([token, eddl.GetStates(encoded)], 4, name="decoder"), 2, name="out")
    net = drawn(eddl.Model([x], [out]))
    content = eddl.serialize_net_to_onnx_string(net, False)
    again = eddl.import_net_from_onnx_string(content)
    source, tokens = torch.rand(3, 5, 3), torch.rand(3, 4, 2)
    found = []
    for each in (net, again):
        module = each.recurrent_module("seq2seq").eval()
        with torch.no_grad():
            found.append(module(source, tokens))
    assert [layer.name for layer in again.lin] == ["source"]
    assert again.isdecoder
    assert difference(*found) <= 1e-4
    assert difference(found[0], run_onnx(content, source, tokens)[0]) <= 1e-4


def test_saving_checks_the_folder_and_leaves_no_half_file(tmp_path, drawn, monkeypatch):
    x = eddl.Input([4])
    net = drawn(eddl.Model([x], [eddl.Dense(x, 2)]))
    with pytest.raises(RuntimeError, match="no folder"):
        eddl.save_net_to_onnx_file(net, str(tmp_path / "missing" / "net.onnx"))
    from deephealth.eddl.onnx import exporting

    monkeypatch.setattr(exporting, "_reference", lambda *_: [torch.full((3, 2), 9.0)])
    with pytest.raises(eddl.EddlOnnxError, match="other numbers"):
        eddl.save_net_to_onnx_file(net, str(tmp_path / "net.onnx"))
    assert not list(tmp_path.iterdir())


def test_exporting_changes_nothing_in_the_net(drawn):
    x = eddl.Input([4])
    net = drawn(eddl.Model([x], [eddl.Dropout(eddl.BatchNormalization(eddl.Dense(x, 3), True), 0.5)]))
    eddl.set_mode(net, 1)
    before = [layer.module.training for layer in net.layers if layer.op is not None]
    eddl.serialize_net_to_onnx_string(net, False)
    assert [layer.module.training for layer in net.layers if layer.op is not None] == before == [True] * 3


def test_what_cannot_be_written_is_named(drawn):
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.Add([x, eddl.GaussGenerator(0.0, 1.0, [4])])])
    with pytest.raises(eddl.EddlOnnxError, match="random numbers"):
        eddl.serialize_net_to_onnx_string(net, False)


class Chunks(nn.Module):
    """What torch's exporter writes as a sequence of tensors."""

    def forward(self, x):
        a, b = x.chunk(2, 1)
        c, d, e = x.split([2, 1, 5], 1)
        return torch.cat([a * b, e, d, c, torch.stack(x.unbind(1)[:3], 1), nn.functional.glu(x, 1)], 1)


def test_pieces_of_tensors_become_splits(run, run_onnx, difference):
    x = eddl.Input([8])
    net = eddl.Model([x], [eddl.from_torch(Chunks(), x)])
    content = eddl.serialize_net_to_onnx_string(net, False)
    again, sample = eddl.import_net_from_onnx_string(content), torch.rand(3, 8)
    assert difference(run(net, sample)[0], run(again, sample)[0]) <= 1e-4
    assert difference(run(net, sample)[0], run_onnx(content, sample)[0]) <= 1e-4
    assert not any("Sequence" in node.op_type for node in onnx.load_from_string(content).graph.node)
