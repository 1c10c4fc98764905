"""A provided model is a place to start from, as the how-to says: a finished run, or the model folder in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deephealth.config import load_config
from deephealth.usecases.datasets import generate_data
from deephealth.usecases.predicting import load_any_model
from deephealth.usecases.training import train_run
from deephealth.usecases.vocabulary import vocabulary


def train(folder: Path, name: str, *overrides: str) -> Path:
    small = "data.image_size=[32,32] data.image_sizes={} data.batch_size=8 trainer.max_epochs=1 evaluate.bootstrap=0"
    quiet = "trainer.progress=false trainer.tensorboard=false model.name=timm/resnet10t"
    places = [f"data.root={folder / 'data'}", f"data.cache_dir={folder / 'cache'}", f"run.dir={folder / name}"]
    changes = [*small.split(), *quiet.split(), *places, *overrides]
    return train_run(load_config("uc12-skin", changes, vocabulary=vocabulary())).run


@pytest.mark.parametrize("inside", ["", "model"])
def test_training_starts_from_a_finished_run(tmp_path: Path, inside: str):
    generate_data("uc12-skin", tmp_path / "data", 48, seed=2)
    first = train(tmp_path, "first", "model.pretrained=null")
    second = train(tmp_path, "second", f"model.pretrained={first / inside}", "optimizer.lr=1e-12")
    before, after = (dict(load_any_model(run).network.named_parameters()) for run in (first, second))
    assert all((before[name] - after[name]).abs().max() < 1e-4 for name in before)
