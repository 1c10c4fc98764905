"""A broken-off and resumed run gives the same bits as one that was never broken off."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tiny import TinyData, TinyModel, tiny_config

from deephealth.core.errors import CheckpointError, Interrupted
from deephealth.train.callbacks import Interruption
from deephealth.train.checkpoint import CheckpointStore
from deephealth.train.fit import FitResult, fit

# One question whether to stop comes per optimizer step, per validation batch (3) and per epoch, and there are 8 batches
# in an epoch: the number puts the stop after an optimizer step, after an epoch's last step, into a validation, or
# between two epochs.
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "step": (2, {}),
    "last step": (8, {}),
    "validation": (9, {"ema_decay": 0.9}),
    "epoch": (12, {"ema_decay": 0.9, "clip_norm": 1.0}),
    "second epoch": (15, {"checkpoint": {"every_n_steps": 2}}),
    "accumulation": (2, {"accumulate": 3}),
    "accumulation, last epoch": (17, {"accumulate": 3}),
    "mixup": (9, {"mix": {"name": "mixup", "alpha": 0.4}, "ema_decay": 0.9, "accumulate": 2}),
    "cutmix": (14, {"mix": {"name": "cutmix", "probability": 0.8}}),
    "bf16": (5, {"precision": "bf16-mixed"}),
}


class StopAfter:
    """Asks for a stop once the run has passed a number of batches (training) or a validation has begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
        self.calls, self.batches = 0, batches
        monkeypatch.setattr(Interruption, "wanted", self.wanted)

    def wanted(self, trainer: Any) -> bool:
        self.calls += 1
        return self.calls >= self.batches


def tensors(result: FitResult) -> dict[str, str]:
    """Return hashes of the newest checkpoint's two tensor files and of the final weights."""
    newest = CheckpointStore(result.best_checkpoint.parent).paths()[-1]
    files = {
        name: hashlib.sha256((newest / name).read_bytes()).hexdigest()
        for name in ("weights.safetensors", "state.safetensors")
    }
    final = b"".join(tensor.numpy().tobytes() for tensor in result.model.state_dict().values())
    return files | {"model": hashlib.sha256(final).hexdigest()}


def rows(result: FitResult) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in result.history]


def unbroken(folder: Path, task: str = "classification", **options: Any) -> FitResult:
    return fit(TinyModel(task), TinyData(task), tiny_config(task, **options), folder)


@pytest.mark.parametrize(("batches", "options"), CASES.values(), ids=CASES)
def test_interrupted_run_is_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int, options: dict[str, Any]
) -> None:
    whole = unbroken(tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        StopAfter(patch, batches)
        with pytest.raises(Interrupted, match="deephealth resume"):
            unbroken(tmp_path / "parts", **options)
    resumed = fit(TinyModel(seed=7), TinyData(), tiny_config(**options), tmp_path / "parts", resume=True)
    assert tensors(resumed) == tensors(whole)
    assert rows(resumed) == rows(whole)
    assert resumed.best_score == whole.best_score


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_many_stops_are_bit_identical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    options = {"ema_decay": 0.8, "accumulate": 3, "max_epochs": 3, "early_stopping": {"patience": 9}}
    whole = unbroken(tmp_path / "whole", task, **options)
    stops, result = 0, None
    while result is None:
        with monkeypatch.context() as patch:
            StopAfter(patch, 5)  # more questions than a validation asks, which a resume starts anew
            try:
                result = fit(
                    TinyModel(task), TinyData(task), tiny_config(task, **options), tmp_path / "p", resume=stops > 0
                )
            except Interrupted:
                stops += 1
    assert stops >= 3
    assert tensors(result)["model"] == tensors(whole)["model"]
    assert rows(result) == rows(whole)


def test_workers_do_not_change_the_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = unbroken(tmp_path / "whole", max_epochs=2)
    with monkeypatch.context() as patch:
        StopAfter(patch, 3)
        with pytest.raises(Interrupted):
            fit(TinyModel(), TinyData(workers=1), tiny_config(max_epochs=2), tmp_path / "parts")
    resumed = fit(TinyModel(), TinyData(workers=1), tiny_config(max_epochs=2), tmp_path / "parts", resume=True)
    assert tensors(resumed) == tensors(whole)


def test_saves_inside_an_epoch_do_not_change_the_bits(tmp_path: Path) -> None:
    whole = unbroken(tmp_path / "whole")
    saved = unbroken(tmp_path / "saved", checkpoint={"every_n_steps": 2, "keep": 3})
    assert tensors(saved) == tensors(whole)
    assert len(CheckpointStore(saved.best_checkpoint.parent).paths()) in (3, 4)


def test_damaged_newest_checkpoint_costs_only_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = unbroken(tmp_path)
    expected, numbers = tensors(whole), rows(whole)
    newest = CheckpointStore(tmp_path / "checkpoints").paths()[-1]
    blob = bytearray((newest / "state.safetensors").read_bytes())
    blob[-5] ^= 4
    (newest / "state.safetensors").write_bytes(blob)
    resumed = fit(TinyModel(), TinyData(), tiny_config(), tmp_path, resume=True)
    assert "falling back" in caplog.text
    assert tensors(resumed) == expected
    assert rows(resumed) == numbers


def test_resume_of_a_finished_run_returns_its_result(tmp_path: Path) -> None:
    whole = unbroken(tmp_path)
    again = fit(TinyModel(seed=5), TinyData(), tiny_config(), tmp_path, resume=True)
    assert (tensors(again), again.epochs, again.best_score) == (tensors(whole), 3, whole.best_score)


def test_resume_before_the_first_checkpoint_starts_anew(tmp_path: Path) -> None:
    assert fit(TinyModel(), TinyData(), tiny_config(max_epochs=1), tmp_path, resume=True).epochs == 1


def test_more_epochs_can_be_added(tmp_path: Path) -> None:
    unbroken(tmp_path, max_epochs=1)
    longer = fit(TinyModel(), TinyData(), tiny_config(max_epochs=2), tmp_path, resume=True)
    assert [row["epoch"] for row in longer.history] == [0, 1]


def test_resume_refuses_what_does_not_fit(tmp_path: Path) -> None:
    unbroken(tmp_path, max_epochs=1)
    with pytest.raises(CheckpointError, match="another configuration"):
        fit(TinyModel(), TinyData(), tiny_config(accumulate=4), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="batches per epoch"):
        fit(TinyModel(), TinyData(count=12), tiny_config(max_epochs=2), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="earlier run"):
        fit(TinyModel(), TinyData(), tiny_config(), tmp_path)
    for path in CheckpointStore(tmp_path / "checkpoints").paths():
        (path / "weights.safetensors").write_bytes(b"")
    for _ in range(2):  # the damaged ones stay for a look
        with pytest.raises(CheckpointError, match="no valid checkpoint"):
            fit(TinyModel(), TinyData(), tiny_config(), tmp_path, resume=True)
