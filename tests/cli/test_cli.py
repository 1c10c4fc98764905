"""The command line as a person uses it, in process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deephealth.cli.app import app

COMMANDS = ("ls", "show", "cp", "train", "resume", "predict", "evaluate", "report", "export", "kpi", "doctor")


def run(*arguments: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result.output


@pytest.mark.parametrize("command", [[c] for c in COMMANDS] + [["data", "check"], ["data", "generate"]], ids=" ".join)
def test_every_help_has_an_example(command):
    assert f"Example: deephealth {' '.join(command)}" in " ".join(run(*command, "--help").split())


def test_help_lists_every_command():
    text = run("--help")
    assert all(command in text for command in (*COMMANDS, "data"))


def test_ls_as_json():
    listing = json.loads(run("ls", "--json"))
    assert "uc12-skin" in [row["name"] for row in listing["usecases"]]
    assert {"usecases", "configs", "models", "weights"} == set(listing)
    assert json.loads(run("ls", "*unet*", "--json"))["usecases"] == []


def test_show_a_use_case_a_model_a_config_and_the_schema():
    card = run("show", "uc12-skin")
    assert "Licence" in card
    assert "balanced_accuracy" in card
    assert "resnet18" in run("show", "resnet18")
    assert "extends" in run("show", "uc12-skin/segmentation")
    assert json.loads(run("show", "uc12-skin", "--schema"))["title"] == "Config"


def test_an_unknown_name_suggests_the_right_one():
    assert "did you mean 'uc12-skin'" in run("show", "uc12-skni", expect=2)


def test_print_config_prints_yaml_that_can_be_used(tmp_path: Path):
    text = run("train", "uc12-skin", "trainer.max_epochs=3", "--print-config")
    (tmp_path / "my.yaml").write_text(text)
    assert run("train", str(tmp_path / "my.yaml"), "--print-config") == text


def test_three_mistakes_in_a_config_are_reported_at_once():
    text = run("train", "uc12-skin", "trainer.max_epoch=3", "data.batch_size=-1", "model.name=resnet19", expect=2)
    assert "3 mistakes" in text
    assert "did you mean 'resnet18'" in text


def test_training_without_data_says_what_to_do():
    assert "deephealth data generate uc12-skin" in run("train", "uc12-skin", expect=2)


def test_a_missing_folder_is_named(tmp_path: Path):
    assert "nowhere" in run("train", "uc12-skin", f"data.root={tmp_path / 'nowhere'}", expect=2)
    assert "nowhere" in run("data", "check", "uc12-skin", str(tmp_path / "nowhere"), expect=2)


def test_an_unknown_layout_says_what_each_layout_expects(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    text = run("data", "check", "uc12-skin", str(tmp_path), expect=2)
    assert "isic2018" in text
    assert "labels.csv" in text


def test_a_gpu_that_is_not_there_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run("data", "generate", "uc12-skin", str(tmp_path / "data"), "-n", "20")
    arguments = ["train", "uc12-skin", f"data.root={tmp_path / 'data'}", f"run.dir={tmp_path / 'run'}"]
    assert "trainer.accelerator=cpu" in run(*arguments, "trainer.accelerator=gpu", expect=2)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_cannot_be_written_is_said(tmp_path: Path):
    run("data", "generate", "uc12-skin", str(tmp_path / "data"), "-n", "20")
    (tmp_path / "file").write_text("in the way")
    text = run("train", "uc12-skin", f"data.root={tmp_path / 'data'}", f"run.dir={tmp_path / 'file' / 'run'}", expect=2)
    assert "making the run's folder failed" in text


def test_a_folder_with_other_things_is_not_used(tmp_path: Path):
    run("data", "generate", "uc12-skin", str(tmp_path / "data"), "-n", "20")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    text = run("train", "uc12-skin", f"data.root={tmp_path / 'data'}", f"run.dir={tmp_path / 'run'}", expect=2)
    assert "not empty" in text


def test_commands_on_a_folder_without_a_run_say_so(tmp_path: Path):
    for command in ("resume", "evaluate", "report", "kpi"):
        assert "run" in run(command, str(tmp_path), expect=2)
    assert "no trained model" in run("predict", str(tmp_path), "x.jpg", expect=2)
    assert "no trained model" in run("export", str(tmp_path), expect=2)


def test_data_check_counts_and_finds_a_broken_file(tmp_path: Path):
    run("data", "generate", "uc12-skin", str(tmp_path / "data"), "-n", "24", "--seed", "5")
    good = json.loads(run("data", "check", "uc12-skin", str(tmp_path / "data"), "--json"))
    assert good["ok"] is True
    image = next((tmp_path / "data" / "ISIC2018_Task3_Training_Input").glob("*.jpg"))
    image.write_bytes(image.read_bytes()[:200])
    text = run("data", "check", "uc12-skin", str(tmp_path / "data"), expect=1)
    assert image.name in text


def test_doctor_prints_versions():
    facts = json.loads(run("doctor", "--json"))
    assert facts["packages"]["torch"]
    assert facts["findings"] == []
    readers = {row["task"] for row in facts["readers"] if row["installed"]}
    assert {"decode a picture", "inflate gzip", "open a whole slide", "decode JPEG-LS"} <= readers
    assert "inflate gzip" in run("doctor")


def test_an_error_has_no_traceback_unless_asked():
    command = [sys.executable, "-m", "deephealth"]
    plain = subprocess.run([*command, "show", "nothing"], capture_output=True, text=True, check=False)
    assert plain.returncode == 2
    assert plain.stderr.startswith("error: unknown configuration 'nothing'")
    assert "Traceback" not in plain.stderr
    debug = subprocess.run([*command, "--debug", "show", "nothing"], capture_output=True, text=True, check=False)
    assert "Traceback" in debug.stderr


def test_starting_imports_neither_torch_nor_lightning():
    heavy = ("torch", "lightning", "monai", "numpy")
    code = f"import sys, deephealth, deephealth.cli.app; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
