"""Writing a generated set: the real layout, the same bytes, safe to interrupt, never over somebody's files."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deephealth.config.schema import SplitConfig
from deephealth.core.errors import DataError, MissingDataError, StorageError
from deephealth.data.layout import read_index
from deephealth.data.split import make_split
from deephealth.usecases.uc12_skin.generator import generate
from deephealth.usecases.uc12_skin.generator import write as module
from deephealth.usecases.uc12_skin.layouts import LAYOUTS

SIZE = (32, 40)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return generate(tmp_path_factory.mktemp("made") / "set", 60, seed=5, size=SIZE)


def test_it_is_read_like_the_real_one(made):
    index = read_index(made, LAYOUTS)
    assert index.layout == "isic2018"
    assert index.problems == ()
    assert len(index.samples) == 60
    assert set(Counter(s.label for s in index.samples)) == set(index.classes)
    assert len({s.group for s in index.samples}) < 60
    assert "drawn by the generator" in index.licence
    split = make_split(index, SplitConfig())
    assert all(len(part) for part in (split.train, split.val, split.test))


def test_images_and_masks_fit(made):
    for sample in read_index(made, LAYOUTS).samples[:5]:
        image, mask = Image.open(sample.image.path), Image.open(sample.mask.path)
        assert image.format == "JPEG"
        assert image.size == mask.size == SIZE[::-1]
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path, made):
    assert contents(generate(tmp_path / "again", 60, 5, SIZE)) == contents(made)
    other = contents(generate(tmp_path / "other", 60, 6, SIZE))
    assert other.keys() == contents(made).keys()
    assert other != contents(made)


def test_progress_is_reported(tmp_path):
    seen = []
    generate(tmp_path / "set", 7, size=SIZE, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 7) for n in range(1, 8)]


def test_an_interrupted_set_is_not_read_and_can_be_completed(tmp_path, made):
    root = tmp_path / "set"

    def stop(done: int, _: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(root, 60, seed=5, size=SIZE, progress=stop)
    assert all(Image.open(path).load() for path in root.rglob("*.jpg"))
    assert not list(root.rglob("*.csv"))
    with pytest.raises(MissingDataError, match="not generated to its end"):
        read_index(root, LAYOUTS)
    (root / "ISIC2018_Task3_Training_Input" / ".ISIC_9000030.jpg.0.tmp").write_bytes(b"killed while writing")
    assert contents(generate(root, 60, seed=5, size=SIZE)) == contents(made)


def test_a_finished_set_is_left_alone(made):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    generate(made, 60, seed=5, size=SIZE)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_foreign_folders_and_files_are_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match="not made by this generator"):
        generate(tmp_path, 7, size=SIZE)
    assert contents(tmp_path) == {"mine.txt": b"precious"}
    with pytest.raises(DataError, match="not made by this generator"):
        generate(tmp_path / "mine.txt", 7, size=SIZE)


def test_a_set_with_other_settings_is_refused(made):
    with pytest.raises(DataError, match=r"n=60 instead of 61, seed=5 instead of 0"):
        generate(made, 61, seed=0, size=SIZE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 6}, "6 images can't show 7 classes"),
        ({"n": 7, "size": (16, 200)}, "16 x 200"),
        ({"n": 7, "hardness": 1.5}, "hardness is 1.5"),
    ],
)
def test_arguments_out_of_range(tmp_path, arguments, message):
    with pytest.raises(DataError, match=message):
        generate(tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_a_full_disk_is_a_storage_error_and_leaves_no_part(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module.os, "replace", full)
    with pytest.raises(StorageError, match="free space"):
        generate(tmp_path / "set", 7, size=SIZE)
    assert not list((tmp_path / "set").rglob("*.tmp"))


def test_the_marker_says_how_it_was_made(made):
    marker = json.loads((made / "generated.json").read_text())
    assert (marker["n"], marker["seed"], marker["size"], marker["complete"]) == (60, 5, list(SIZE), True)
    assert "show no patient" in (made / "README.txt").read_text()
