"""A lake with enough subjects for splits and for small cells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deephealth.lake.catalogue.index import write_index
from deephealth.lake.layout.arrange import arrange
from deephealth.lake.layout.tables import write_tables
from tests.lake.lake_maker import LakeMaker

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def fill(maker: LakeMaker, subjects: int = 28) -> LakeMaker:
    """Dermoscopy of many, a chest CT of three of them, and everything that the layout makes."""
    for at in range(subjects):
        labels = {"diagnosis": CLASSES[at % 7]}
        maker.series(
            f"p{at}",
            "XC",
            body_part="SKIN",
            slices=1 + at % 2,
            color=True,
            size=32,
            labels=labels,
            age=30 + at % 30,
            sex="F",
        )
    for at in range(3):
        maker.series(f"p{at}", "CT", visit="2", number=2, body_part="CHEST", slices=2)
    arrange(maker.lake, maker.dataset, maker.entries)
    write_tables(maker.lake, maker.dataset, maker.entries)
    write_index(maker.lake, maker.entries)
    return maker


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power: waiting for the disk only costs time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> LakeMaker:
    """The lake, made once; tests get copies."""
    pytest.importorskip("duckdb")
    pytest.importorskip("dcm2niix")
    return fill(LakeMaker(tmp_path_factory.mktemp("filled") / "lake"))


def copy_of(made: LakeMaker, root: Path) -> LakeMaker:
    """A lake of its own that can be changed."""
    copy = LakeMaker(root, made.dataset)
    shutil.copytree(made.lake.root, root)
    copy.entries = list(made.entries)
    return copy


@pytest.fixture
def maker(filled: LakeMaker, tmp_path: Path) -> LakeMaker:
    """The lake, filled; a copy for each test."""
    return copy_of(filled, tmp_path / "lake")
