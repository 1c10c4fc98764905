from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import tiny_config

from deephealth.core.errors import CheckpointError, DeviceError
from deephealth.train.trainer import make_trainer


def test_gpu_asked_for_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no GPU") as caught:
        make_trainer(tiny_config(accelerator="gpu"), tmp_path)
    assert "accelerator=cpu" in str(caught.value.hint)
    with pytest.raises(DeviceError, match="16-mixed"):
        make_trainer(tiny_config(accelerator="auto", precision="16-mixed"), tmp_path)


def test_more_gpus_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match="sees 1 GPU"):
        make_trainer(tiny_config(accelerator="gpu", devices=4), tmp_path)


def test_lightnings_own_checkpoints_are_refused(tmp_path: Path) -> None:
    trainer = make_trainer(tiny_config(), tmp_path)
    for call in (trainer.strategy.checkpoint_io.save_checkpoint,):
        with pytest.raises(CheckpointError, match="not used"):
            call({}, tmp_path / "x.ckpt")
    with pytest.raises(CheckpointError, match="not used"):
        trainer.strategy.checkpoint_io.load_checkpoint(tmp_path / "x.ckpt")


def test_options_arrive(tmp_path: Path) -> None:
    trainer = make_trainer(tiny_config(accumulate=4, clip_norm=0.5, limit_batches=3, max_epochs=7), tmp_path)
    assert (trainer.accumulate_grad_batches, trainer.gradient_clip_val, trainer.max_epochs) == (4, 0.5, 7)
    assert (trainer.limit_train_batches, trainer.limit_val_batches, trainer.loggers) == (3, 3, [])
    torch.use_deterministic_algorithms(False)
