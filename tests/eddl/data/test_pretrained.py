from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VGG, get_model
from torchvision.models.vgg import make_layers

from deephealth import eddl
from deephealth.eddl.data import pretrained
from deephealth.eddl.data.torch_graph import layers_of
from deephealth.eddl.errors import EddlError, EddlShapeError, EddlUnsupportedError, EddlValueError


@pytest.fixture
def unset(monkeypatch):
    """Make networks without drawing their weights, which would take most of the time."""
    for kind in (nn.Linear, nn.Conv2d):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)
    for draw in ("kaiming_normal_", "normal_"):
        monkeypatch.setattr(nn.init, draw, lambda tensor, *args, **options: tensor)


def draw(network: nn.Module) -> nn.Module:
    """Give a network random weights and statistics under which numbers neither vanish nor grow."""
    torch.manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(0, (2 / module.weight[0].numel()) ** 0.5)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1)
            elif isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    return network.eval()


def predict(net, x: torch.Tensor) -> torch.Tensor:
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1), False)
    return eddl.predict(net, [eddl.Tensor.fromarray(x.numpy())])[0].torch


def close(got: torch.Tensor, wanted: torch.Tensor) -> bool:
    return got.shape == wanted.shape and float((got - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())


def features(network: nn.Module, name: str, x: torch.Tensor) -> torch.Tensor:
    """What the network computes before its classifier."""
    if name.startswith("vgg"):
        return network.features(x).flatten(1)
    if name.startswith("densenet"):
        return torch.relu(network.features(x)).mean((2, 3), keepdim=True)
    network.fc = nn.Identity()
    return network(x)


@pytest.mark.parametrize("name", list(pretrained.ONNX_FILES))
def test_a_network_without_its_classifier_computes_what_torchvisions_does(name, unset):
    network = get_model(name, weights=None)
    if name.startswith("vgg"):
        network.classifier = nn.Identity()  # 120 million weights that nobody reads
    draw(network)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = features(network, name, x)
    net = pretrained.net_of(network, name, top=True, input_shape=[3, 32, 32])
    assert [layer.name for layer in net.lin] == ["input"]
    assert eddl.getLayer(net, "top") is net.lout[0]
    assert close(predict(net, x), wanted)


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_a_network_with_its_classifier(name):
    network = draw(get_model(name, weights=None, num_classes=7))
    x = torch.randn(2, 3, 64, 64)
    net = pretrained.net_of(network, name, top=False, input_shape=[3, 64, 64])
    with torch.no_grad():
        assert close(predict(net, x), network(x))


def small_vgg() -> nn.Module:
    network = VGG(make_layers([4, "M", 8, "M"]), init_weights=False)
    network.classifier = nn.Sequential(nn.Linear(392, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 3))
    return draw(network)


def test_vggs_classifier_fits_one_shape_only(unset):
    network, x = small_vgg(), torch.randn(2, 3, 28, 28)
    net = pretrained.net_of(network, "vgg16", top=False, input_shape=[3, 28, 28])
    with torch.no_grad():
        assert close(predict(net, x), network(x))
    with pytest.raises(EddlShapeError, match="default input_shape"):
        pretrained.net_of(network, "vgg16", top=False, input_shape=[3, 40, 40])


def test_a_new_head_on_the_top_trains_and_the_rest_can_be_frozen():
    network = draw(get_model("resnet18", weights=None))
    net = pretrained.net_of(network, "resnet18", top=True, input_shape=[3, 32, 32])
    out = eddl.Softmax(eddl.Dense(eddl.getLayer(net, "top"), 3, True, "new_dense"))
    names = [layer.name for layer in net.layers]
    tuned = eddl.Model([eddl.getLayer(net, "input")], [out])
    eddl.build(tuned, eddl.sgd(0.1), ["soft_cross_entropy"], ["accuracy"], eddl.CS_CPU(1), False)
    eddl.initializeLayer(tuned, "new_dense")
    for name in names:
        eddl.setTrainable(tuned, name, False)
    first = eddl.getLayer(tuned, "conv1").params[0].clone().getdata()
    dense = eddl.getLayer(tuned, "new_dense").params[0].clone().getdata()
    x, y = eddl.Tensor.fromarray(np.ones((2, 3, 32, 32), "f")), eddl.Tensor.fromarray(np.eye(3, dtype="f")[:2])
    eddl.train_batch(tuned, [x], [y])
    np.testing.assert_array_equal(eddl.getLayer(tuned, "conv1").params[0].getdata(), first)
    assert not np.array_equal(eddl.getLayer(tuned, "new_dense").params[0].getdata(), dense)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()), "GELU"),
        (nn.Sequential(nn.MaxPool2d(3, ceil_mode=True)), "rounds"),
    ],
)
def test_what_has_no_layer_is_named(network, text):
    with pytest.raises(EddlUnsupportedError, match=text):
        layers_of(network, [3, 8, 8])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DEEPHEALTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEEPHEALTH_OFFLINE", "1")
    return tmp_path


def test_weights_of_torchs_hub_folder_are_used(folders):
    network = draw(get_model("resnet18", weights=None))
    checkpoints = folders / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(network.state_dict(), checkpoints / "resnet18-f37072fd.pth")
    net = eddl.download_resnet18(False, [3, 32, 32])
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert close(predict(net, x), network(x))


def test_densenets_old_names_are_read(folders):
    network = draw(get_model("densenet121", weights=None))
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in network.state_dict().items()
    }
    (folders / "cache" / "weights").mkdir(parents=True)
    torch.save(old, folders / "cache" / "weights" / "densenet121-a639ec97.pth")
    net = eddl.download_densenet121(True, [3, 32, 32])
    assert eddl.getLayer(net, "top").shape == [1024, 1, 1]


def test_offline_the_error_says_which_file_goes_where(folders):
    with pytest.raises(RuntimeError) as caught:
        eddl.download_resnet50()
    for part in ("resnet50-0676ba61.pth", str(folders / "cache" / "weights"), "resnet50.onnx", "https://"):
        assert part in str(caught.value)


def test_an_onnx_file_in_the_current_folder_wins(folders):
    i = eddl.Input([3, 8, 8], "data")
    out = eddl.Dense(eddl.Flatten(eddl.GlobalAveragePool2D(eddl.Conv2D(i, 4, [3, 3]))), 5, True, "fc")
    made = eddl.Model([i], [out])
    eddl.build(made, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    eddl.save_net_to_onnx_file(made, "vgg16bn-7.onnx")
    net = eddl.download_vgg16_bn()
    assert net.lin[0].name == "input"
    assert eddl.getLayer(net, "top").shape == [4]
    assert all(layer.name != "fc" for layer in net.layers)


def test_download_model_takes_what_is_here_then_the_cache(folders):
    (folders / "here" / "a.onnx").write_bytes(b"here")
    eddl.download_model("a.onnx", "abc123")
    assert (folders / "here" / "a.onnx").read_bytes() == b"here"
    (folders / "cache" / "models").mkdir(parents=True)
    (folders / "cache" / "models" / "b.onnx").write_bytes(b"cached")
    eddl.download_model("b.onnx", "abc123")
    assert (folders / "here" / "b.onnx").read_bytes() == b"cached"
    with pytest.raises(EddlError, match=r"c\.onnx is not here"):
        eddl.download_model("c.onnx", "abc123")


@pytest.mark.parametrize(("name", "link"), [("../a.onnx", "abc"), ("a.onnx", "../x"), ("a.onnx", "a/b")])
def test_download_model_refuses_paths(folders, name, link):
    with pytest.raises(EddlValueError):
        eddl.download_model(name, link)
