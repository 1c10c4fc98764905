"""Files that the original EDDL wrote, and its nets exported again, give its numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnx_ir")
onnxruntime = pytest.importorskip("onnxruntime")

from deephealth import eddl  # noqa: E402
from deephealth.eddl.onnx.importing import import_net_from_onnx_file, import_net_from_onnx_string  # noqa: E402

FOLDER = Path(__file__).parents[2] / "golden" / "eddl"
CASES = sorted(FOLDER.glob("onnx_*.npz"))
CLASSES = {
    "onnx_bn": "LInput LConv LBatchNorm LActivation LAveragePool LReshape LDense LActivation",
    "onnx_conv1d": "LInput LConv1D LActivation LMaxPool1D LReshape LDense",
    "onnx_lstm": "LInput LLSTM LDense",
    "onnx_resnet": "LInput LConv LActivation LConv LBatchNorm LAdd LActivation LConcat LConv LActivation",
}


def outputs_of(net, x):
    """What a net gives in test mode, as a list of arrays."""
    net.module.eval()
    with torch.no_grad():
        found = net.module(torch.as_tensor(x))
    return [each.numpy() for each in (found if isinstance(found, tuple) else (found,))]


def test_there_are_cases():
    assert len(CASES) >= 6


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_file_of_the_original_gives_its_numbers(path, strict):
    case = np.load(path, allow_pickle=False)
    with eddl.strict_mode(strict):
        _check_numbers(path, case)


def _check_numbers(path, case):
    net = import_net_from_onnx_string(case["onnx"].tobytes())
    (got,) = outputs_of(net, case["x"])
    np.testing.assert_allclose(got.reshape(case["pred"].shape), case["pred"], 1e-4, 1e-5)
    for name in (name for name in case.files if name.startswith("param/")):
        _, layer, slot = name.split("/")
        param = net.layers[int(layer)].params[int(slot)].torch.numpy()
        unused = path.stem == "onnx_bn" and name == "param/1/1"  # a bias that takes no part is not in the file
        assert unused or np.array_equal(param, case[name]), name
    if path.stem in CLASSES:
        assert [type(layer).__name__ for layer in net.layers] == CLASSES[path.stem].split()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_its_net_exported_again_gives_its_numbers_everywhere(path, tmp_path):
    case = np.load(path, allow_pickle=False)
    x, o = _rebuilt(json.loads(str(case["config"]))["code"])
    net = eddl.Model([x], [o])
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(), True)
    for name in (name for name in case.files if name.startswith("param/")):
        _, layer, slot = name.split("/")
        net.layers[int(layer)].params[int(slot)].torch.copy_(torch.from_numpy(case[name]))
    file = tmp_path / "net.onnx"
    eddl.save_net_to_onnx_file(net, str(file))
    session = onnxruntime.InferenceSession(file.read_bytes())
    got = session.run(None, {session.get_inputs()[0].name: case["x"]})[0]
    np.testing.assert_allclose(got, case["pred"], 1e-4, 1e-5)
    again = import_net_from_onnx_file(str(file))
    (got,) = outputs_of(again, case["x"])
    np.testing.assert_allclose(got.reshape(case["pred"].shape), case["pred"], 1e-4, 1e-5)
    assert [layer.name for layer in again.layers] == [layer.name for layer in net.layers]
    assert [type(layer).__name__ for layer in again.layers] == [type(layer).__name__ for layer in net.layers]


def _rebuilt(code):
    space = {"eddl": eddl}
    exec(compile(io.StringIO(code).read(), "golden", "exec"), space)
    return space["i"], space["o"]


@pytest.mark.parametrize("path", sorted((FOLDER / "onnx").glob("*.onnx")), ids=lambda path: path.stem)
def test_every_file_of_the_original_becomes_its_layers(path):
    net = import_net_from_onnx_file(str(path))
    assert not [layer for layer in net.layers if type(layer).__name__ == "LOnnx"]
    assert net.onnx_pretrained
    assert net.name == path.stem


def test_weights_are_kept_when_built_without_initialisation():
    path = FOLDER / "onnx_mlp.npz"
    case = np.load(path, allow_pickle=False)
    net = import_net_from_onnx_string(case["onnx"].tobytes(), 1)
    assert net.mem_level == 1
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(), False)
    (got,) = eddl.predict(net, [eddl.Tensor.fromarray(case["x"])])
    np.testing.assert_allclose(got.getdata(), case["pred"], 1e-4, 1e-5)
