from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deephealth.data.check import CheckReport, check
from deephealth.data.sample import DataIndex, Problem, Sample
from deephealth.io.raster import write_png
from deephealth.io.source import Source


def kinds(report: CheckReport) -> list[tuple[str, str]]:
    return [(problem.severity, problem.kind) for problem in report.problems]


def changed(index: DataIndex, **changes: dict[int, object]) -> DataIndex:
    """Change fields of single samples: ``split={0: "train"}``."""
    samples = list(index.samples)
    for name, by_position in changes.items():
        for at, value in by_position.items():
            samples[at] = replace(samples[at], **{name: value})
    return replace(index, samples=tuple(samples))


def test_clean(index: DataIndex) -> None:
    calls: list[tuple[int, int]] = []
    report = check(index, progress=lambda done, total: calls.append((done, total)))
    assert report.ok
    assert not report.problems
    assert report.counts == {"mel": {"(no split)": 10}, "nv": {"(no split)": 20}}
    assert (report.num_samples, report.num_groups, report.num_masks) == (30, 30, 30)
    assert calls[-1] == (30, 30)
    assert "no errors, 0 warnings; every file was decoded" in report.render()
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True


def test_files(index: DataIndex, tmp_path: Path) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(index.samples[0].image.read_bytes()[:80])
    write_png(tmp_path / "small.png", np.zeros((3, 3), np.uint8))
    bad = changed(
        index,
        image={0: Source(tmp_path / "none.png"), 1: Source(cut)},
        mask={2: Source(tmp_path / "small.png"), 3: Source(tmp_path / "none.png"), 4: Source(cut)},
    )
    report = check(bad)
    assert not report.ok
    expected = ["missing-image", "unreadable-image", "mask-size", "missing-mask", "unreadable-mask"]
    assert kinds(report) == [("error", kind) for kind in expected]
    assert "3 x 3 pixels, its picture 12 x 16" in report.errors[2].message
    quick = check(bad, read_files=False)
    assert quick.ok
    assert "the files were not opened" in quick.render()


def test_index(index: DataIndex) -> None:
    split = dict.fromkeys(range(30), "train") | {1: "test", 2: "val", 6: "test"}
    bad = changed(
        index,
        split=split,
        label={4: None, 5: "nevus", 6: "df"},
        group={1: "p", 2: "p", 3: "p"},
        id={7: "s08"},
        mask={9: None},
    )
    report = check(replace(bad, classes=("mel", "nv", "df")), read_files=False)
    assert kinds(report) == [
        ("error", "duplicate-id"),
        ("error", "unknown-label"),
        ("error", "leak"),
        ("error", "class-only-in-test"),
        ("warning", "missing-label"),
        ("warning", "missing-mask"),
    ]
    assert "'p' stands in train and val and test" in report.errors[2].message
    assert report.counts["df"] == {"train": 0, "val": 0, "test": 1}
    assert report.counts["(no label)"]["train"] == 1
    assert "4 errors, 2 warnings" in report.render()


def copied(index: DataIndex, tmp_path: Path) -> DataIndex:
    copy = tmp_path / "copy.png"
    shutil.copy(index.samples[1].image.path, copy)
    return changed(index, image={2: Source(copy)})


@pytest.mark.parametrize(
    ("splits", "groups", "severity", "kind", "words"),
    [
        (("train", "test"), ("a", "b"), "error", "leak", "train and test: s01, s02"),
        (("train", "train"), ("a", "b"), "warning", "duplicate", "2 times: s01, s02"),
        ((None, None), ("a", "a"), "warning", "duplicate", "2 times"),
        ((None, None), ("a", "b"), "warning", "duplicate", "a drawn split could part them"),
    ],
)
def test_copies(
    index: DataIndex, tmp_path: Path, splits: tuple, groups: tuple, severity: str, kind: str, words: str
) -> None:
    bad = changed(copied(index, tmp_path), split=dict(enumerate(splits, 1)), group=dict(enumerate(groups, 1)))
    problems = [problem for problem in check(bad).problems if problem.kind == kind]
    assert [problem.severity for problem in problems] == [severity]
    assert words in problems[0].message


def test_copies_with_other_labels(index: DataIndex, tmp_path: Path) -> None:
    report = check(changed(copied(index, tmp_path), label={2: "mel"}))
    assert kinds(report) == [("warning", "duplicate"), ("warning", "label-conflict")]


def test_problems_of_the_adapter_come_along_once(index: DataIndex) -> None:
    problems = (
        Problem("warning", "missing-label", "s04", "no row for s04"),
        Problem("error", "missing-image", "x", "row without image"),
        Problem("error", "missing-image", "x", "row without image"),
    )
    report = check(replace(changed(index, label={4: None}), problems=problems), read_files=False)
    assert kinds(report) == [("error", "missing-image"), ("warning", "missing-label")]


def test_long_lists_are_cut(index: DataIndex) -> None:
    report = check(changed(index, label=dict.fromkeys(range(25))), read_files=False)
    assert "... and 5 more" in report.render()


def test_nothing_at_all(tmp_path: Path) -> None:
    report = check(DataIndex(tmp_path, "none", (), ()))
    assert report.ok
    assert "0 samples" in report.render()


def test_segmentation_only_sets_need_no_labels() -> None:
    sample = Sample("a", "a", Source(Path("a.png")))
    assert check(DataIndex(Path("x"), "x", (), (sample,)), read_files=False).ok
