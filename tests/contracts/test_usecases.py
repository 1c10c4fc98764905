"""The twelve promises of every use case, for every task of it. A new use case is tested by being registered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from deephealth.config import Config, dump_config
from deephealth.core.files import sha256
from deephealth.core.seeds import seed_everything
from deephealth.data.split import make_split
from deephealth.infer.predictor import Predictor
from deephealth.models import Model, build_model
from deephealth.models.card import missing_fields
from deephealth.usecases.catalogue import USECASES
from deephealth.usecases.datasets import make_datamodule, read_data
from deephealth.usecases.predicting import load_any_model
from deephealth.usecases.training import resume_run, train_run

from .conftest import Case


def _datamodule(config: Config):
    index = read_data(config)
    datamodule = make_datamodule(config, index, make_split(index, config.data.split))
    datamodule.prepare()
    return index, datamodule


def _model(case: Case, config: Config, labels: tuple[str, ...]) -> Model:
    return build_model(
        config.model.name,
        task=case.task,
        labels=labels,
        image_size=config.data.image_size,
        pretrained=None,
        parameters=config.model.parameters,
        usecase=case.usecase,
    )


def _some_files(case: Case, count: int = 3) -> list[Path]:
    files = sorted(p for p in case.data.rglob("*.jpg"))
    assert len(files) >= count
    return files[:count]


def test_builds_from_its_config(case: Case):
    model = Model.from_folder(case.run / "model")
    assert model.task == case.task
    assert sum(p.numel() for p in model.parameters()) > 1000


def test_a_generated_sample_passes_through(case: Case):
    predictions = Predictor(load_any_model(case.run)).predict(_some_files(case))
    assert len(predictions) == 3
    assert all(np.isfinite(list(p.probabilities.values())).all() for p in predictions)


def test_the_loss_falls_on_eight_samples(case: Case, tmp_path: Path):
    config = case.config(
        f"run.dir={tmp_path / 'run'}",
        "trainer.overfit=8",
        "trainer.max_epochs=12",
        "schedule=constant",
        "optimizer.lr=1e-3",
        "trainer.ema_decay=null",
        "trainer.mix=none",
        "evaluate.split=train",
    )
    train_run(config)
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("train_loss")
    losses = [float(row.split(",")[column]) for row in rows[1:]]
    assert losses[-1] < 0.6 * losses[0], losses


def test_a_resumed_run_equals_the_unbroken_one(case: Case, tmp_path: Path):
    config = case.config(f"run.dir={tmp_path / 'run'}")
    environment = {**os.environ, "DEEPHEALTH_FAILPOINT": "after-rename:2"}  # after the first epoch's checkpoint
    script = (
        "import sys\nfrom deephealth.config import load_config\n"
        "from deephealth.usecases.training import train_run\n"
        "train_run(load_config(sys.argv[1]))\n"
    )
    (tmp_path / "config.yaml").write_text(dump_config(config))
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "config.yaml")], env=environment, check=False)
    assert killed.returncode == -9
    assert not (tmp_path / "run" / "model").exists()
    resume_run(tmp_path / "run")
    assert sha256(tmp_path / "run" / "model" / "model.safetensors") == sha256(case.run / "model" / "model.safetensors")


def test_two_processes_equal_one_on_the_same_global_batch(case: Case, tmp_path: Path):
    worker = Path(__file__).with_name("ddp_worker.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(worker)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    subprocess.run([*command, str(case.run / "model"), str(tmp_path)], env=environment, check=True, timeout=240)
    report = json.loads((tmp_path / "ddp.json").read_text())
    assert report["largest_gradient"] > 0
    assert report["largest_difference"] <= 1e-5 * max(1.0, report["largest_gradient"])


def test_checkpoint_to_folder_and_back_gives_the_same_output(case: Case, tmp_path: Path):
    first = Model.from_folder(case.run / "model").eval()
    second = Model.from_folder(first.save(tmp_path / "again")).eval()
    image = torch.rand(2, 3, 48, 64)
    with torch.no_grad():
        assert torch.equal(first(image), second(image))


def test_onnx_equals_torch(case: Case, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    from deephealth.io.raster import read_rgb
    from deephealth.models.onnx import export_onnx

    images = [read_rgb(path) for path in _some_files(case)]
    report = export_onnx(load_any_model(case.run), tmp_path / "model.onnx", samples=images)
    assert report.max_abs_difference <= 1e-3
    assert (tmp_path / "model.onnx").stat().st_size > 1000


def test_the_head_changes_with_the_classes(case: Case):
    labels = ("one", "two", "three") if case.task == "classification" else ("lesion",)
    model = Model.from_folder(case.run / "model", labels=labels).eval()
    with torch.no_grad():
        output = model(torch.rand(1, 3, 48, 64))
    assert output.shape[1] == len(labels)
    assert model.labels == labels


def test_the_report_is_written(case: Case):
    report = (case.run / "report.html").read_text(encoding="utf-8")
    assert case.usecase in report
    assert "time to train" in report.lower()
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert "<script src" not in report
    metrics = json.loads((case.run / "evaluation" / "test" / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert "baseline" in metrics


def test_the_card_is_complete(case: Case):
    card = (case.run / "model" / "card.md").read_text(encoding="utf-8")
    assert missing_fields(card) == []
    assert "not for diagnosis" in card.lower()
    assert "licence" in USECASES.get(case.usecase).card().lower()


def test_the_config_schema_is_stable(repository: Path):
    stored = json.loads((repository / "tests" / "contracts" / "config_schema.json").read_text())
    assert Config.model_json_schema() == stored, (
        "the schema of configurations changed: if that is meant, say so in CHANGELOG.md and run "
        "`python -m tests.contracts.write_schema`"
    )


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import socket

    def refuse(*_: object, **__: object) -> None:
        msg = "a connection was opened"
        raise AssertionError(msg)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return


@pytest.mark.usefixtures("no_sockets")
def test_no_network_is_used(case: Case, tmp_path: Path):
    config = case.config(f"run.dir={tmp_path / 'run'}", "trainer.max_epochs=1", "trainer.limit_batches=1")
    train_run(config)
    assert Predictor(load_any_model(tmp_path / "run")).predict(_some_files(case, 1))


def test_shuffled_labels_change_training_only(case: Case):
    if case.task != "classification":
        pytest.skip("the label-shuffle test is about class labels")
    seed_everything(0)
    _, plain = _datamodule(case.config())
    _, shuffled = _datamodule(case.config("data.shuffle_labels=true"))
    assert plain.class_counts == shuffled.class_counts
    labels = {True: [], False: []}
    for flag, datamodule in ((False, plain), (True, shuffled)):
        for batch in datamodule.val_dataloader():
            labels[flag] += batch["label"].tolist()
    assert labels[True] == labels[False]


def test_the_network_module_is_plain_torch(case: Case):
    assert isinstance(load_any_model(case.run).network, nn.Module)
