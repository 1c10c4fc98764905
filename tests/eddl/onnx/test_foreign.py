"""Models that torch exports, of many opsets and by both of its exporters: imported they give torch's numbers."""

from __future__ import annotations

import io
import logging
import os
import warnings

import pytest
import torch
from torch import nn

pytest.importorskip("onnxscript")
pytest.importorskip("onnx")
torchvision = pytest.importorskip("torchvision")

from deephealth import eddl  # noqa: E402


@pytest.fixture(autouse=True)
def no_fused_attention():
    """The older exporter does not know torch's fused attention of evaluation."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


def exported(module, x, *, how="legacy", opset=17, any_batch=False):
    """Bytes that one of torch's exporters writes."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if how == "dynamo":
            shapes = ({0: torch.export.Dim("batch")},) if any_batch else None
            program = torch.onnx.export(
                module, (x,), dynamo=True, opset_version=opset, verbose=False, dynamic_shapes=shapes
            )
            return program.model_proto.SerializeToString()
        buffer = io.BytesIO()
        axes = {"x": {0: "batch"}} if any_batch else None
        names = {"input_names": ["x"], "dynamic_axes": axes}
        torch.onnx.export(module, (x,), buffer, dynamo=False, opset_version=opset, **names)
        return buffer.getvalue()


def check(module, shape, difference, run, **how):
    """Import what is exported with one batch size, and compare at that one and at another."""
    torch.manual_seed(0)
    module = module.eval()
    batch = 2 if how.get("any_batch") else 1
    net = eddl.import_net_from_onnx_string(exported(module, torch.randn(batch, *shape), **how))
    for size in (batch, 3):
        x = torch.randn(size, *shape)
        with torch.no_grad():
            wanted = module(x)
        assert wanted.any()
        assert difference(wanted, run(net, x)[0]) <= 1e-4
    return net


class Attention(nn.Module):
    """Tokens, a class token, attention over (length, batch, features): what a vision transformer does to the batch."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.norm = nn.LayerNorm(16)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        y = self.norm(x)
        return (x + self.attention(y, y, y, need_weights=False)[0])[:, 0]


class Windows(nn.Module):
    """Shifted windows: the batch is the outer part of a larger dimension."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(6, 6)
        self.register_buffer("mask", torch.tensor([0.0, -100.0]).repeat(8).reshape(4, 4))

    def forward(self, x):
        b, c, h, w = x.shape
        x = torch.roll(x, (-1, -1), (2, 3)).permute(0, 2, 3, 1)
        x = x.view(b, h // 2, 2, w // 2, 2, c).transpose(2, 3).reshape(-1, 4, c)
        scores = self.mix(x) @ x.transpose(1, 2)
        scores = (scores.view(b, -1, 4, 4) + self.mask).view(-1, 4, 4)
        x = (scores.softmax(-1) @ x).view(b, h // 2, w // 2, 2, 2, c).transpose(2, 3).reshape(b, h, w, c)
        return x.mean((1, 2))


class Shapes(nn.Module):
    """Resizing to the input's own size, pixel shuffle, group normalisation, Einsum."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.Hardswish(), nn.Conv2d(8, 8, 1))
        self.up = nn.PixelShuffle(2)

    def forward(self, x):
        y = self.conv(x)
        y = nn.functional.interpolate(self.up(y), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return torch.einsum("bchw,bdhw->bcd", y, x).flatten(1)


class Sequence(nn.Module):
    """An LSTM in both directions; every step is used."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0].mean(1))


SMALL = {
    "attention": (Attention, (3, 8, 8)), "windows": (Windows, (6, 8, 8)), "shapes": (Shapes, (3, 8, 8)),
    "sequence": (Sequence, (5, 3)),
}  # fmt: skip


# with any batch the older exporter writes the batch into an LSTM's initial states
OLDER = [(name, any_batch) for name in SMALL for any_batch in (False, True) if (name, any_batch) != ("sequence", True)]


@pytest.mark.parametrize(("name", "any_batch"), OLDER)
@pytest.mark.parametrize("opset", [14, 17, 18])
def test_small_modules_of_the_older_exporter(name, opset, any_batch, difference, run):
    make, shape = SMALL[name]
    torch.manual_seed(0)
    check(make(), shape, difference, run, opset=opset, any_batch=any_batch)


@pytest.mark.parametrize(("name", "opset", "any_batch"), [("attention", 20, False), ("windows", 20, True)])
def test_small_modules_of_the_newer_exporter(name, opset, any_batch, difference, run):
    make, shape = SMALL[name]
    torch.manual_seed(0)
    net = check(make(), shape, difference, run, how="dynamo", opset=opset, any_batch=any_batch)
    assert any(type(layer).__name__ == "LDense" for layer in net.layers)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1"])
def test_networks_become_eddls_layers(name, difference, run):
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None)
    net = check(module, (3, 32, 32), difference, run, opset=14)
    kinds = {type(layer).__name__ for layer in net.layers}
    assert "LConv" in kinds
    others = {layer.op_type for layer in net.layers if type(layer).__name__ == "LOnnx"}
    assert others == ({"HardSigmoid", "HardSwish"} if name == "mobilenet_v3_small" else set())


def test_an_imported_network_trains(run):
    torch.manual_seed(0)
    content = exported(Attention().eval(), torch.randn(1, 3, 8, 8))
    net = eddl.import_net_from_onnx_string(content)
    eddl.build(net, eddl.sgd(0.05), ["mse"], ["mse"], eddl.CS_CPU(), False)
    x, y = eddl.Tensor.from_torch(torch.randn(4, 3, 8, 8)), eddl.Tensor.from_torch(torch.randn(4, 16))
    before = [param.clone() for param in net.module.parameters()]
    losses = []
    for _ in range(5):
        eddl.reset_loss(net)
        eddl.train_batch(net, [x], [y])
        losses += eddl.get_losses(net)
    assert losses[-1] < losses[0]
    changed = [not torch.equal(a, b) for a, b in zip(before, net.module.parameters(), strict=True)]
    assert sum(changed) > len(changed) / 2


def test_masks_are_not_trained():
    net = eddl.import_net_from_onnx_string(exported(Windows().eval(), torch.randn(1, 6, 8, 8)))
    assert not any((param == -100).any() for param in net.module.parameters())


SIZES = {"inception_v3": 96, "maxvit_t": 224, "vit_h_14": 28}


def _size(name):
    if name.startswith("vit_"):
        return SIZES.get(name, 32)
    return SIZES.get(name, 32 if name.startswith("vgg") else 64)


def _network(name):
    options = {"image_size": _size(name)} if name.startswith("vit_") else {}
    if name in {"googlenet", "inception_v3"}:
        options["init_weights"] = False
    if name.startswith(("deeplab", "fcn", "lraspp")):
        options.update(weights_backbone=None, num_classes=5)
    network = torchvision.models.get_model(name, weights=None, **options)
    for param in network.parameters():
        if not param.any():
            nn.init.normal_(param, std=0.02)
    return network


class First(nn.Module):
    """The main output of networks that give several by name."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        found = self.network(x)
        return found["out"] if isinstance(found, dict) else found


EVERYTHING = os.environ.get("DEEPHEALTH_EXHAUSTIVE") == "1"
"""Also the large siblings, and the newer exporter, which takes ten times as long: about an hour on two cores."""
HUGE = {"vit_h_14", "regnet_y_128gf"}
LARGE = {
    *("convnext_base", "convnext_large", "densenet161", "densenet201", "efficientnet_b5", "efficientnet_b6"),
    *("efficientnet_b7", "efficientnet_v2_l", "regnet_x_32gf", "regnet_y_16gf", "regnet_y_32gf", "resnet152"),
    *("resnext101_32x8d", "resnext101_64x4d", "swin_b", "swin_s", "swin_v2_b", "swin_v2_s", "vgg13", "vgg13_bn"),
    *("vgg16_bn", "vgg19", "vgg19_bn", "vit_l_16", "vit_l_32", "wide_resnet101_2"),
}
CLASSIFIERS = set(torchvision.models.list_models(module=torchvision.models)) - HUGE
SEGMENTERS = set(torchvision.models.list_models(module=torchvision.models.segmentation))
NETWORKS = sorted((CLASSIFIERS | SEGMENTERS) - (set() if EVERYTHING else LARGE))


def _exporters(name):
    if name.startswith(("alexnet", "vgg")):
        return [("dynamo", 18)]  # the older exporter refuses their pooling of small maps
    return [("legacy", 17), ("dynamo", 18)] if EVERYTHING else [("legacy", 17)]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "how", "opset"), [(name, *how) for name in NETWORKS for how in _exporters(name)])
def test_every_network_of_torchvision(name, how, opset, difference, run):
    torch.manual_seed(0)
    size = _size(name)
    check(First(_network(name)), (3, size, size), difference, run, how=how, opset=opset)
