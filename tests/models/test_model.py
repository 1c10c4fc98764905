"""A model saves, loads, changes its head, and turns logits into probabilities."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import CheckpointError, ModelError
from deephealth.models import Model, build_model, load_model

SIZE = (32, 32)
SMALL = {"encoder": "test_resnet", "decoder_channels": [16, 8, 8, 8, 8]}


@pytest.fixture(params=["timm/test_resnet", "unet"])
def model(request) -> Model:
    torch.manual_seed(0)
    unet = request.param == "unet"
    built = build_model(
        request.param,
        task="segmentation" if unet else "classification",
        labels=("a", "b", "c"),
        image_size=SIZE,
        parameters=SMALL if unet else {},
        usecase="uc12-skin",
    )
    built(torch.randn(4, 3, *SIZE))  # statistics of the normalisation move away from their defaults
    return built


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def test_saved_and_loaded_is_bit_identical(model, batch, tmp_path):
    model.describe(threshold=0.4, temperature=1.5, card={"limits": "few"})
    loaded = load_model(model.save(tmp_path / "model"))
    assert loaded.spec == model.spec
    assert not loaded.training
    assert torch.equal(loaded(batch), model.eval()(batch))
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.md",
        "manifest.json",
        "model.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize("name", ["card.md", "manifest.json", "model.json", "model.safetensors"])
def test_flipped_bit_is_found_and_named(model, tmp_path, name):
    path = model.save(tmp_path / "model") / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        load_model(tmp_path / "model")


def test_other_labels_replace_the_head_only(model, batch, tmp_path):
    model.save(tmp_path / "model")
    other = load_model(tmp_path / "model", labels=("x", "y"))
    assert other.labels == ("x", "y")
    assert other(batch).shape[1] == 2
    old, new = model.network.state_dict(), other.network.state_dict()
    changed = {key for key in old if old[key].shape != new[key].shape or not torch.equal(old[key], new[key])}
    assert changed == model.head()


def test_same_number_of_other_labels_is_a_new_head_too(model):
    before = {key: value.clone() for key, value in model.network.state_dict().items()}
    model.reset_head(("b", "a", "c"))
    after = model.network.state_dict()
    assert {key for key in before if not torch.equal(before[key], after[key])} & model.head()


def test_same_labels_change_nothing(model):
    network = model.network
    model.reset_head(["a", "b", "c"])
    assert model.network is network


def test_mode_survives_a_new_head(model):
    assert model.train().training
    model.reset_head(("x", "y"))
    assert model.network.training
    model.eval().reset_head(("x", "z"))
    assert not model.network.training


@pytest.mark.parametrize("labels", [(), ("a", "a")])
def test_labels_must_be_names(model, labels):
    with pytest.raises(ModelError):
        model.reset_head(labels)


def test_probabilities(model, batch):
    logits = model.eval()(batch)
    probabilities = model.probabilities(logits)
    model.describe(temperature=2.0)
    cooler = model.probabilities(logits)
    if model.task == "classification":
        assert torch.allclose(probabilities, logits.softmax(1))
        assert torch.allclose(cooler, (logits / 2).softmax(1))
    else:
        assert torch.allclose(probabilities, logits.sigmoid())
        assert model.probabilities(logits, (70, 50)).shape == (2, 3, 70, 50)


def test_only_free_facts_can_be_described(model):
    with pytest.raises(ModelError, match="labels"):
        model.describe(labels=("x",))
    model.describe(card={"limits": "a"})
    model.describe(card={"intended_use": "b"})
    assert model.spec.card == {"limits": "a", "intended_use": "b"}


def test_weights_of_another_network_are_refused(model, tmp_path):
    from deephealth.models.folder import read_folder, write_folder

    files = read_folder(model.save(tmp_path / "model"))
    other = build_model("timm/test_efficientnet", task="classification", labels=("a", "b"), image_size=SIZE)
    files["model.json"] = other.spec.to_json().encode()
    write_folder(tmp_path / "model", files)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_model(tmp_path / "model")


def test_what_is_no_model_folder(tmp_path):
    with pytest.raises(CheckpointError, match="RUN/model"):
        load_model(tmp_path)
