from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.config import dump_config, list_configs, load_config
from deephealth.config.copying import copy_config
from deephealth.core.errors import ConfigError, StorageError, UnknownNameError
from deephealth.usecases.vocabulary import vocabulary


@pytest.mark.parametrize("name", list_configs())
def test_every_shipped_config_is_valid_and_names_only_registered_things(name):
    assert load_config(name, vocabulary=vocabulary()).usecase


def test_every_yaml_in_the_folder_is_listed(repository: Path):
    files = [p for p in (repository / "configs").rglob("*.yaml") if "base" not in p.parts]
    assert len(files) == len(list_configs()) > 0


@pytest.mark.parametrize("name", list_configs())
def test_a_copied_config_says_the_same(name, tmp_path: Path):
    copied = copy_config(name, tmp_path / "my.yaml")
    assert load_config(copied, vocabulary=vocabulary()) == load_config(name, vocabulary=vocabulary())
    with pytest.raises(StorageError, match=r"--force"):
        copy_config(name, tmp_path / "my.yaml")


def test_three_mistakes_are_reported_at_once():
    overrides = ["trainer.max_epoch=3", "data.batch_size=0", "loss=focl"]
    with pytest.raises(ConfigError) as caught:
        load_config("uc12-skin", overrides, vocabulary=vocabulary())
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "trainer.max_epoch: unknown key; did you mean 'max_epochs'?" in text
    assert "data.batch_size" in text
    assert "loss.name: unknown loss 'focl'; did you mean 'focal'" in text


def test_a_parameter_of_a_component_is_checked():
    with pytest.raises(ConfigError, match=r"loss\.gama: the loss 'focal' has no such parameter; did you mean 'gamma'"):
        load_config("uc12-skin", ["loss={name: focal, gama: 2}"], vocabulary=vocabulary())


@pytest.mark.parametrize("name", ["os.system", "torch.optim.AdamW", "subprocess:run"])
def test_no_python_name_is_accepted(name):
    with pytest.raises(ConfigError, match=r"never Python paths|unknown optimizer"):
        load_config("uc12-skin", [f"optimizer={name}"], vocabulary=vocabulary())


@pytest.mark.parametrize("key", ["_target_=os.system", "_component_=os.system", "model._target_=os.system"])
def test_no_instantiation_key_is_accepted(key):
    with pytest.raises(ConfigError, match="unknown key"):
        load_config("uc12-skin", [key], vocabulary=vocabulary())


def test_yaml_cannot_build_python_objects(tmp_path: Path):
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text("usecase: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(ConfigError, match="not readable as YAML"):
        load_config(hostile)


def test_duplicate_keys_are_a_mistake(tmp_path: Path):
    file = tmp_path / "twice.yaml"
    file.write_text("usecase: a\nusecase: b\n")
    with pytest.raises(ConfigError, match="duplicate key"):
        load_config(file)


def test_extends_in_a_circle_is_a_mistake(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("extends: b\n")
    (tmp_path / "b.yaml").write_text("extends: a\n")
    with pytest.raises(ConfigError, match=r"circle: a\.yaml -> b\.yaml -> a\.yaml"):
        load_config(tmp_path / "a.yaml")


def test_extends_a_shipped_name(tmp_path: Path):
    (tmp_path / "my.yaml").write_text("extends: uc12-skin\ntrainer:\n  max_epochs: 7\n")
    config = load_config(tmp_path / "my.yaml")
    assert config.trainer.max_epochs == 7
    assert config.usecase == "uc12-skin"


def test_a_component_with_another_name_loses_its_old_parameters():
    config = load_config("uc12-skin", ["loss={name: focal, gamma: 3}", "loss.name=cross_entropy"])
    assert config.loss.parameters == {}


def test_another_network_loses_the_parameters_of_the_old_one():
    assert load_config("uc12-skin").model.parameters
    changed = load_config("uc12-skin", ["model.name=resnet18"]).model
    assert changed.parameters == {}
    assert changed.pretrained == "imagenet-lite0"


def test_tables_are_replaced_or_emptied():
    assert load_config("uc12-skin", ["data.image_sizes={}"]).data.image_sizes == {}
    assert load_config("uc12-skin", ["data.image_sizes={3: [32, 32]}"]).data.image_sizes == {3: (32, 32)}
    assert load_config("uc12-skin", ["model.parameters={}"]).model.parameters == {}
    kept = load_config("uc12-skin", ["model.parameters.drop_rate=0.5"]).model.parameters
    assert kept["drop_rate"] == 0.5
    assert len(kept) > 1


def test_the_task_chooses_the_configuration():
    config = load_config("uc12-skin", ["task=segmentation"])
    assert config.task == "segmentation"
    assert config == load_config("uc12-skin/segmentation")


def test_an_unknown_configuration_suggests_one():
    with pytest.raises(UnknownNameError, match="did you mean 'uc12-skin'"):
        load_config("uc12-skinn")


def test_scientific_notation_is_a_number():
    assert load_config("uc12-skin", ["optimizer.lr=1e-3"]).optimizer.parameters["lr"] == pytest.approx(1e-3)


@pytest.mark.parametrize("text", ["novalue", "=3", "a..b=1", "data=[1", ""])
def test_a_broken_override_is_a_config_error(text):
    with pytest.raises(ConfigError):
        load_config("uc12-skin", [text])


@given(
    epochs=st.integers(1, 10_000),
    size=st.tuples(st.integers(8, 2000), st.integers(8, 2000)),
    decay=st.none() | st.floats(0.001, 0.999),
    sizes=st.dictionaries(st.integers(0, 99), st.tuples(st.integers(8, 99), st.integers(8, 99)), max_size=3),
)
def test_a_dumped_config_reads_back_the_same(tmp_path_factory, epochs, size, decay, sizes):
    base = load_config("uc12-skin")
    changed = base.model_copy(
        update={
            "trainer": base.trainer.model_copy(update={"max_epochs": epochs, "ema_decay": decay}),
            "data": base.data.model_copy(update={"image_size": size, "image_sizes": sizes}),
        }
    )
    file = tmp_path_factory.mktemp("config") / "config.yaml"
    file.write_text(dump_config(changed))
    assert load_config(file) == changed


@given(st.text(max_size=40))
def test_any_override_gives_a_config_or_a_typed_error(text):
    with contextlib.suppress(ConfigError):
        load_config("uc12-skin", [text])
