"""Building from names, weights and saved models."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError
from deephealth.models import build_model, list_models

NAME = "timm/test_resnet"
CLASSES = {"task": "classification", "image_size": (32, 32)}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = build_model(NAME, labels=("a", "b"), **CLASSES)
    model.describe(card={"training_data": "drawn circles"})
    model.save(tmp_path / "teacher")
    return model, tmp_path / "teacher"


def test_fine_tuning_starts_from_a_saved_model(saved):
    teacher, folder = saved
    model = build_model(NAME, labels=("x", "y", "z"), pretrained=str(folder), **CLASSES)
    old, new = teacher.network.state_dict(), model.network.state_dict()
    assert {key for key in old if not torch.equal(old[key], new[key])} == teacher.head()
    assert model.spec.weights["name"] == "teacher"
    assert model.spec.weights["data"] == "drawn circles"
    assert str(folder.parent) not in model.spec.to_json()


def test_same_labels_keep_the_head(saved):
    teacher, folder = saved
    model = build_model(NAME, labels=("a", "b"), pretrained=folder, **CLASSES)
    assert all(
        torch.equal(value, model.network.state_dict()[key]) for key, value in teacher.network.state_dict().items()
    )


def test_saved_model_of_another_network_is_refused(saved):
    with pytest.raises(ModelError, match="don't fit"):
        build_model("resnet18", labels=("a", "b"), pretrained=saved[1], **CLASSES)


def test_unknown_weights_are_guessed():
    with pytest.raises(UnknownNameError, match="imagenet-lite0"):
        build_model(NAME, labels=("a", "b"), pretrained="imagenet-lite", **CLASSES)


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="no saved model"):
        build_model(NAME, labels=("a", "b"), pretrained=tmp_path / "none", **CLASSES)


@pytest.mark.parametrize("labels", [(), ("a", "b", "a")])
def test_labels_must_be_names(labels):
    with pytest.raises(ModelError, match="labels"):
        build_model(NAME, labels=labels, **CLASSES)


def test_wrong_parameter():
    with pytest.raises(ConfigError, match="drop_rate"):
        build_model(NAME, labels=("a", "b"), parameters={"dropp_rate": 1}, **CLASSES)


def test_forward_is_the_network():
    model = build_model(NAME, labels=("a", "b"), **CLASSES).eval()
    x = torch.randn(1, 3, 32, 32)
    assert torch.equal(model(x), model.network(x))


def test_list_models():
    assert "unet" in list_models()
    assert "unet" not in list_models(task="classification")
    assert "timm/resnet18" in list_models("timm/resnet1?")
    assert list_models("timm/*", task="segmentation") == []
