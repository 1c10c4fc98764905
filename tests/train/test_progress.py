from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny import TinyData, TinyModel, tiny_config

from deephealth.train.callbacks import Progress
from deephealth.train.fit import fit


@pytest.mark.parametrize("terminal", [True, False])
def test_one_line_per_epoch_and_a_bar_on_terminals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=200)
    made = Progress.__init__
    monkeypatch.setattr(Progress, "__init__", lambda self, *args: made(self, *args, console=console))
    monkeypatch.setattr("deephealth.train.callbacks.progress._REFRESH", 0.0)
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("rich.progress.Progress.update", lambda self, task, **fields: shown.append(fields))
    fit(TinyModel(), TinyData(), tiny_config(max_epochs=2, progress=True, accumulate=2), tmp_path)
    lines = [line for line in text.getvalue().splitlines() if "train_loss" in line]
    assert len(lines) == 2
    assert "epoch 2/2 · train_loss" in lines[1]
    assert "val_balanced_accuracy" in lines[1]
    assert ("\x1b" in text.getvalue()) is terminal
    assert len(shown) == (18 if terminal else 0)  # eight batches and the validation of each epoch
    if terminal:
        assert shown[9]["description"] == "epoch 2/2"
        assert shown[9]["text"].startswith("loss ")
        assert "val_balanced_accuracy" in shown[9]["text"]


def test_bar_goes_away_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[Any] = []
    console = Console(file=io.StringIO(), force_terminal=True)
    made = Progress.__init__
    monkeypatch.setattr(
        Progress, "__init__", lambda self, *args: made(self, *args, console=console) or bars.append(self)
    )
    data = TinyData()
    data.train_set.poison = 3
    with pytest.raises(ArithmeticError):
        fit(TinyModel(), data, tiny_config(progress=True), tmp_path)
    assert bars[0]._bar is None
