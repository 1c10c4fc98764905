"""What goes wrong in real life: each a typed error that names the file, says what was wrong and what to do."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from deephealth.config import load_config
from deephealth.core import errors
from deephealth.usecases.datasets import check_data, generate_data
from deephealth.usecases.evaluation import evaluate_run
from deephealth.usecases.training import resume_run, train_run
from deephealth.usecases.vocabulary import vocabulary

TRUTH = "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv"
IMAGES = "ISIC2018_Task3_Training_Input"
GROUPS = "ISIC2018_Task3_Training_LesionGroupings.csv"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_data("uc12-skin", tmp_path_factory.mktemp("clean") / "data", 48, seed=11)


@pytest.fixture
def data(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "data"))


def train(data: Path, *overrides: str):
    fast = [
        "model.name=timm/resnet10t", "model.pretrained=null",
        "data.image_size=[32,32]", "data.image_sizes={}", "data.batch_size=8", "trainer.max_epochs=1",
        "trainer.progress=false",
        "trainer.tensorboard=false", "evaluate.bootstrap=0", "evaluate.tta=none", "model.parameters={}",
        f"data.root={data}", f"data.cache_dir={data.parent / 'cache'}", f"run.dir={data.parent / 'run'}",
    ]  # fmt: skip
    return train_run(load_config("uc12-skin", [*fast, *overrides], vocabulary=vocabulary()))


def first_image(data: Path) -> Path:
    return min((data / IMAGES).glob("*.jpg"))


def header_bomb(path: Path) -> None:
    """A PNG of some bytes that claims 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "spoil", "error"),
    [
        ("truncated", lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), errors.UnreadableFileError),
        ("empty", lambda p: p.write_bytes(b""), errors.UnreadableFileError),
        ("text", lambda p: p.write_text("not an image"), errors.UnreadableFileError),
        ("bomb", header_bomb, errors.LimitError),
    ],
)
def test_a_broken_image_is_named(data: Path, name, spoil, error):
    image = first_image(data)
    spoil(image)
    with pytest.raises(error, match=image.name):
        train(data)
    report = check_data("uc12-skin", data)
    assert not report.ok
    assert any(image.name in f"{problem.where} {problem.message}" for problem in report.errors)


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "L", "P", "RGBA"])
def test_unusual_images_are_trained_on(data: Path, mode):
    image = first_image(data)
    picture = Image.open(image)
    suffix = ".jpg" if mode == "CMYK" else ".png"
    if mode == "I;16":
        picture = Image.fromarray(__import__("numpy").asarray(picture.convert("L")).astype("uint16") * 257)
    else:
        picture = picture.convert(mode)
    image.unlink()
    picture.save(image.with_suffix(suffix))
    assert train(data, "trainer.limit_batches=1").report


def test_a_label_without_an_image_is_named(data: Path):
    image = first_image(data)
    image.unlink()
    report = check_data("uc12-skin", data)
    assert any(image.stem in f"{problem.where} {problem.message}" for problem in report.errors)
    with pytest.raises(errors.MissingDataError, match=image.stem):
        train(data)


def rewrite(path: Path, change) -> None:
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    change(rows)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def split_by_hand(data: Path, *, leak: bool = False, unseen: bool = False) -> None:
    """Give the data set a test folder of its own, with one mistake in it."""
    with (data / TRUTH).open(newline="") as stream:
        rows = list(csv.reader(stream))
    header, body = rows[0], rows[1:]
    column = header.index("DF")
    if unseen:
        test = [row for row in body if float(row[column]) == 1]
    else:
        groups = {row["image"]: row["lesion_id"] for row in csv.DictReader((data / GROUPS).open())}
        shared = next(g for g in groups.values() if list(groups.values()).count(g) > 1)
        test = [row for row in body if groups[row[0]] == shared][:1]
    for part, chosen in (("Test", test), ("Training", [row for row in body if row not in test])):
        folder = data / f"ISIC2018_Task3_{part}_GroundTruth"
        folder.mkdir(exist_ok=True)
        with (folder / f"ISIC2018_Task3_{part}_GroundTruth.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *chosen])
    (data / "ISIC2018_Task3_Test_Input").mkdir()
    for row in test:
        shutil.move(data / IMAGES / f"{row[0]}.jpg", data / "ISIC2018_Task3_Test_Input")


def test_a_lesion_in_two_splits_is_a_leak(data: Path):
    split_by_hand(data, leak=True)
    with pytest.raises(errors.LeakError, match="train"):
        train(data)
    assert any(problem.kind == "leak" for problem in check_data("uc12-skin", data).errors)


def test_a_class_that_only_the_test_knows_is_an_error(data: Path):
    split_by_hand(data, unseen=True)
    with pytest.raises(errors.DataError, match="df"):
        train(data)


def test_a_loss_that_is_not_a_number_stops_at_that_step_and_keeps_the_last_good_checkpoint(data: Path):
    with pytest.raises(errors.NonFiniteLossError, match=r"step \d+ .*epoch"):
        train(data, "optimizer.lr=1e30", "schedule=constant", "trainer.clip_norm=null", "trainer.max_epochs=3")
    run = data.parent / "run"
    assert list((run / "checkpoints").glob("step-*"))
    assert not (run / "model").exists()


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_space(data: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.fsync
    calls = {"left": 40}

    def fsync(descriptor: int) -> None:
        calls["left"] -= 1
        if calls["left"] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(errors.StorageError, match=r"No space left(.|\n)*free space"):
        train(data, "trainer.max_epochs=8")
    monkeypatch.setattr(os, "fsync", real)
    assert resume_run(data.parent / "run").report


def test_a_flipped_bit_in_every_checkpoint_is_found_before_it_is_read(data: Path):
    train(data)
    run = data.parent / "run"
    for file in (run / "checkpoints").glob("step-*/weights.safetensors"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    with pytest.raises(errors.CheckpointError):
        resume_run(run, overrides=["trainer.max_epochs=2"])


def test_a_flipped_bit_in_the_model_is_found(data: Path):
    train(data)
    weights = data.parent / "run" / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(errors.CheckpointError, match=r"model\.safetensors"):
        evaluate_run(data.parent / "run")


def test_three_mistakes_in_a_file_are_reported_at_once(tmp_path: Path):
    (tmp_path / "my.yaml").write_text(
        "extends: uc12-skin\ntrainer: {max_epoch: 3}\ndata: {batch_size: none}\nloss: {name: focl}\n"
    )
    with pytest.raises(errors.ConfigError) as caught:
        load_config(tmp_path / "my.yaml", vocabulary=vocabulary())
    assert len(caught.value.problems) == 3
