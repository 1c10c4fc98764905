from __future__ import annotations

import csv
import importlib
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import TinyData, TinyModel, tiny_config

from deephealth.config.schema import Component
from deephealth.core.errors import ConfigError, Interrupted, NonFiniteLossError, StorageError, UnknownNameError
from deephealth.train.callbacks import BatchSeeds, EarlyStop, History, WeightAverage
from deephealth.train.checkpoint import CheckpointStore
from deephealth.train.fit import fit
from deephealth.train.schedules import cosine


def run(folder: Path, task: str = "classification", data: TinyData | None = None, **options: Any) -> Any:
    return fit(TinyModel(task, dropout=0.0), data or TinyData(task), tiny_config(task, **options), folder)


def by_hand(
    epochs: int, *, accumulate: int = 1, decay: float | None = None
) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Train as a torch tutorial would; return the losses, and the weights or their average."""
    model, data = TinyModel(dropout=0.0).to(memory_format=torch.channels_last), TinyData()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, fused=True)
    steps = -(-8 // accumulate) * epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine(steps))
    average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses, step = [], 0
    for epoch in range(epochs):
        data.set_position(epoch, 0)
        for number, batch in enumerate(data.train_dataloader(), 1):
            image = model.preprocess.normalise(batch["image"]).contiguous(memory_format=torch.channels_last)
            loss = torch.nn.functional.cross_entropy(model(image), batch["label"])
            (loss / accumulate).backward()
            losses.append(loss.item())
            if number % accumulate and number != 8:
                continue
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            weight = 1 - min(decay, (1 + step) / (10 + step)) if decay else 1.0
            for name, tensor in model.state_dict().items():
                average[name] = (
                    torch.lerp(average[name], tensor, weight) if tensor.is_floating_point() else tensor.clone()
                )
    return losses, average


@pytest.mark.parametrize(("accumulate", "decay"), [(1, None), (3, None), (1, 0.9)])
def test_fit_does_what_a_plain_torch_loop_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int, decay: float | None
) -> None:
    losses: list[float] = []
    monkeypatch.setattr(BatchSeeds, "on_train_batch_end", lambda _, t, m, out, *rest: losses.append(out["loss"].item()))
    result = run(tmp_path, max_epochs=2, accumulate=accumulate, ema_decay=decay, checkpoint={"select": "last"})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the tiny configuration: another number of threads adds in another order
    try:
        expected, weights = by_hand(2, accumulate=accumulate, decay=decay)
    finally:
        torch.set_num_threads(threads)
    found = torch.tensor(losses) * accumulate  # Lightning hands out the loss as it enters the accumulated gradient
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=1e-6)
    for name, tensor in result.model.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=1e-6, msg=name)


def test_result_and_files(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["checkpoints", "metrics.csv"]
    with (tmp_path / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["epoch", "step", "train_loss", "val_loss", "val_balanced_accuracy", "lr", "seconds"]
    assert [row["step"] for row in rows] == ["8", "16", "24"]
    scores = [row["val_balanced_accuracy"] for row in result.history]
    assert result.best_score == max(scores)
    assert result.best_checkpoint.name == f"step-{8 * (scores.index(max(scores)) + 1):08d}"
    assert CheckpointStore(tmp_path / "checkpoints").best() == result.best_checkpoint
    assert not result.model.training
    assert result.epochs == 3


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_learns(tmp_path: Path, task: str) -> None:
    result = run(tmp_path, task, max_epochs=6)
    assert result.history[-1]["train_loss"] < 0.9 * result.history[0]["train_loss"]


def test_validation_and_result_use_the_average(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def look(average: WeightAverage, trainer: Any, task: Any, *rest: Any) -> None:
        live = task.model.state_dict()
        seen.append(all(torch.equal(live[name], tensor) for name, tensor in average.average.items()))

    monkeypatch.setattr(WeightAverage, "on_validation_batch_end", look)
    monkeypatch.setattr(WeightAverage, "on_train_epoch_end", look)
    result = run(tmp_path, max_epochs=1, ema_decay=0.9)
    assert seen == [True, True, True, False]
    average = CheckpointStore(tmp_path).load(result.best_checkpoint).state["callbacks"]["WeightAverage"]["average"]
    assert all(torch.equal(tensor, average[name]) for name, tensor in result.model.state_dict().items())


def test_selection_of_the_last(tmp_path: Path) -> None:
    result = run(tmp_path, checkpoint={"select": "last", "monitor": "val_loss"})
    assert result.best_checkpoint.name == "step-00000024"
    assert result.best_score == min(row["val_loss"] for row in result.history)


def test_unknown_monitor_is_named_with_the_columns(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="val_loss"):
        run(tmp_path, checkpoint={"monitor": "val_los"})


def test_early_stopping_and_its_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"max_epochs": 9, "early_stopping": {"patience": 2, "min_delta": 0.9}}
    result = run(tmp_path, **options)
    assert result.epochs == 3  # the first is best, two are waited for
    again = fit(TinyModel(), TinyData(), tiny_config(**options), tmp_path, resume=True)
    assert again.epochs == 3


def test_early_stop_counts() -> None:
    config = tiny_config(early_stopping={"patience": 2}).trainer.early_stopping
    history = History(Path("unused"))
    stop = EarlyStop(config, importlib.import_module("deephealth.train.monitor").Monitor("val_loss"), history)
    trainer: Any = type("T", (), {"should_stop": False})()
    for loss, waited in ((1.0, 0), (1.1, 1), (0.9, 0), (0.9, 1), (float("nan"), 2)):
        history.rows.append({"val_loss": loss})
        stop.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
        assert stop.waited == waited
    assert trainer.should_stop


def test_nan_loss_stops_at_the_step_and_keeps_the_last_good(tmp_path: Path) -> None:
    data = TinyData()
    data.train_set.poison = 7
    with pytest.raises(NonFiniteLossError, match=r"epoch 1.*s7") as caught:
        run(tmp_path, data=data, checkpoint={"every_n_steps": 1})
    newest = CheckpointStore(tmp_path / "checkpoints").newest_valid()
    step = int(str(caught.value).split("at step ")[1].split()[0])
    assert newest.step in (step, step - 1) if step > 8 else newest.step == 8
    assert all(torch.isfinite(tensor).all() for tensor in newest.weights.values())


def test_spoilt_weights_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(_: Any, trainer: Any, task: Any, *rest: Any) -> None:
        if trainer.current_epoch == 1:
            task.model.network[0].weight.data[0] = torch.nan

    monkeypatch.setattr(History, "on_train_epoch_start", spoil)
    monkeypatch.setattr("deephealth.train.task.Task._check_finite", lambda *_: None)
    with pytest.raises(NonFiniteLossError, match=r"network.0.weight"):
        run(tmp_path)
    assert CheckpointStore(tmp_path / "checkpoints").newest_valid().step == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_and_says_how_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(
        BatchSeeds,
        "on_train_batch_end",
        lambda _, t, m, o, b, i: os.kill(os.getpid(), number) if t.global_step == 11 else None,
    )
    with pytest.raises(Interrupted) as caught:
        run(tmp_path)
    assert caught.value.hint == f"go on with `deephealth resume {tmp_path}`"
    newest = CheckpointStore(tmp_path / "checkpoints").newest_valid()
    assert newest.state["position"] == {"epoch": 1, "batches": 3, "steps": 11}
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    assert fit(TinyModel(), TinyData(), tiny_config(), tmp_path, resume=True).epochs == 3


def test_second_signal_aborts_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(*_: Any) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(BatchSeeds, "on_train_batch_end", twice)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(tmp_path)
    assert not isinstance(caught.value, Interrupted)
    assert CheckpointStore(tmp_path / "checkpoints").newest_valid().step == 0
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    "point", ["before-weights", "after-weights:2", "before-fsync:6", "before-rename:3", "before-prune:2"]
)
def test_full_disk_keeps_the_last_good_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    importlib.import_module("deephealth.train.failpoints")._passed.clear()
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT", point)
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT_ERROR", "ENOSPC")
    with pytest.raises(StorageError, match="No space left") as caught:
        run(tmp_path)
    assert "free space" in str(caught.value.hint)
    monkeypatch.undo()
    result = fit(TinyModel(dropout=0.0), TinyData(), tiny_config(), tmp_path, resume=True)
    assert result.epochs == 3


def test_global_state_is_put_back(tmp_path: Path) -> None:
    memory: Any = torch.utils.deterministic
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory)
    run(tmp_path, max_epochs=1, threads=1)
    after = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory)
    assert after == before


def test_no_pickle_and_nothing_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    for module, name in ((pickle, "dump"), (pickle, "dumps"), (pickle, "load"), (torch, "save"), (torch, "load")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("pickled"))
    run(tmp_path, max_epochs=1)
    fit(TinyModel(dropout=0.0), TinyData(), tiny_config(max_epochs=2), tmp_path, resume=True)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert not [warning for warning in recwarn if "lightning" in str(warning.filename)]


def test_mix_is_refused_for_masks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="masks"):
        run(tmp_path, "segmentation", mix=Component(name="mixup"))


def test_limit_batches(tmp_path: Path) -> None:
    assert run(tmp_path, max_epochs=1, limit_batches=2).history[0]["step"] == 2


def test_tensorboard_files(tmp_path: Path) -> None:
    run(tmp_path, max_epochs=1, tensorboard=True)
    assert len(os.listdir(tmp_path / "tensorboard")) == 1


def test_stale_rows_do_not_survive_a_fall_back(tmp_path: Path) -> None:
    run(tmp_path, max_epochs=1, checkpoint={"keep": 5})
    for path in CheckpointStore(tmp_path / "checkpoints").paths()[1:]:
        (path / "manifest.json").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deephealth.train.task.Task.training_step", lambda *_: pytest.fail("far enough"))
        with pytest.raises(pytest.fail.Exception):
            fit(TinyModel(), TinyData(), tiny_config(max_epochs=1, checkpoint={"keep": 5}), tmp_path, resume=True)
    assert not (tmp_path / "metrics.csv").exists()
