from __future__ import annotations

import logging
from pathlib import Path

import pytest

from deephealth import ecvl
from deephealth.ecvl.strictness import strict_mode


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def locations(data: ecvl.Dataset, root: Path) -> list[str]:
    return [str(Path(sample.location_[0]).relative_to(root)) for sample in data.samples_]


def test_classification_with_splits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(
        tmp_path, "test/nv/1.png", "training/nv/2.png", "training/mel/3.png", "validation/bcc/4.png", "training/x.png"
    )
    with caplog.at_level(logging.WARNING):
        made = ecvl.GenerateClassificationDataset(str(tmp_path))
    assert "training/x.png' lies in no class folder" in caplog.text
    data = made.GetDataset()
    assert data.classes_ == ["bcc", "mel", "nv"]
    assert (made.splits_, made.num_samples_) == (["training", "validation", "test"], [2, 1, 1])
    assert locations(data, tmp_path) == [
        "training/mel/3.png",
        "training/nv/2.png",
        "validation/bcc/4.png",
        "test/nv/1.png",
    ]
    assert [sample.label_ for sample in data.samples_] == [[1], [2], [0], [2]]
    assert [split.samples_indices_ for split in data.split_] == [[0, 1], [2], [3]]
    data.Dump(tmp_path / "d.yml")
    assert ecvl.Dataset(tmp_path / "d.yml").GetLocations() == data.GetLocations()
    assert "  - location: training/mel/3.png\n    label: mel\n" in (tmp_path / "d.yml").read_text()


def test_classification_without_splits(tmp_path: Path) -> None:
    touch(tmp_path, "nv/1.png", "mel/2.png", "d.yml")
    data = ecvl.GenerateClassificationDataset(tmp_path).GetDataset()
    assert (data.classes_, data.split_, data.task_) == (["mel", "nv"], [], ecvl.Task.classification)
    assert locations(data, tmp_path) == ["mel/2.png", "nv/1.png"]


def test_segmentation_with_folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, *(f"training/{part}/{at}.png" for at in (1, 2) for part in ("images", "ground_truth")))
    touch(tmp_path, "training/images/3.png", "test/images/4.png")
    with caplog.at_level(logging.WARNING):
        made = ecvl.GenerateSegmentationDataset(tmp_path)
    assert "3.png' has no ground truth" in caplog.text
    data = made.GetDataset()
    assert locations(data, tmp_path) == ["training/images/1.png", "training/images/2.png", "test/images/4.png"]
    assert data.samples_[1].label_path_ == str(tmp_path / "training/ground_truth/2.png")
    assert data.samples_[2].label_path_ is None
    assert [split.no_label_ for split in data.split_] == [False, True]


def test_segmentation_by_suffix_and_common_mask(tmp_path: Path) -> None:
    touch(tmp_path, "training/a.jpg", "training/a_segmentation.png", "training/b.jpg", "training/black.png")
    data = ecvl.GenerateSegmentationDataset(tmp_path, "_segmentation.png", "black.png").GetDataset()
    assert locations(data, tmp_path) == ["training/a.jpg", "training/b.jpg"]
    masks = [Path(sample.label_path_ or "").name for sample in data.samples_]
    assert masks == ["a_segmentation.png", "black.png"]
    with strict_mode():
        old = ecvl.GenerateSegmentationDataset(tmp_path, "_segmentation.png", "black.png").GetDataset()
    assert old.samples_[0].location_ == ["training/a.jpg"]


def test_segmentation_in_one_folder(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "ground_truth/a.png", "images/b.png")
    made = ecvl.GenerateSegmentationDataset(tmp_path)
    assert (made.splits_, made.d_.split_) == ([], [])
    assert [sample.label_path_ is None for sample in made.d_.samples_] == [False, True]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="does not exist"):
        ecvl.GenerateClassificationDataset(tmp_path / "no")


def test_subclassing(tmp_path: Path) -> None:
    touch(tmp_path, "training/nv_1.png")

    class ByName(ecvl.GenerateClassificationDataset):
        def LoadSplitImages(self, split: str) -> int:
            self.d_.classes_ = ["nv"]
            paths = sorted((self.dataset_root_directory_ / split).iterdir())
            for path in paths:
                self.add(path, label=self.d_.classes_.index(path.name.partition("_")[0]))
            return len(paths)

    assert ByName(tmp_path).GetDataset().samples_[0].label_ == [0]
