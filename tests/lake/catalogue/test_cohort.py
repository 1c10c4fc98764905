"""Cohorts: read by our layouts and by ECVL's, split by patient, labelled, whole or not there."""

from __future__ import annotations

import hmac
import json
from pathlib import Path

import pytest

from deephealth.config.schema import SplitConfig
from deephealth.core.errors import DataError, MissingDataError, StorageError
from deephealth.core.files import sha256
from deephealth.data.deephealth_yaml import read_deephealth_yaml
from deephealth.data.sample import DataIndex
from deephealth.data.split import check_leaks, make_split
from deephealth.lake.catalogue import cohort as cohort_module
from deephealth.lake.catalogue.cohort import make_cohort, read_manifest
from deephealth.lake.catalogue.index import write_index
from deephealth.lake.layout.tsv import read_tsv
from tests.lake.catalogue.conftest import CLASSES
from tests.lake.lake_maker import LakeMaker


def test_our_layout_and_our_splits_read_it(maker: LakeMaker) -> None:
    made = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis", classes=CLASSES)
    index: DataIndex = read_deephealth_yaml(made.folder)
    assert index.problems == ()
    assert index.classes == CLASSES
    assert len(index.samples) == 42
    truth = {entry.facts.subject: entry.facts.labels["diagnosis"] for entry in maker.entries if entry.facts.labels}
    assert all(sample.label == truth[sample.group] for sample in index.samples)
    split = make_split(index, SplitConfig())
    check_leaks(split)
    assert split.source == "given"
    groups = [{sample.group for sample in part} for _, part in split.items()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 28


def test_the_use_case_recognises_it(maker: LakeMaker) -> None:
    layouts = pytest.importorskip("deephealth.usecases.uc12_skin.layouts").LAYOUTS
    made = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis", classes=CLASSES)
    first = next(layout for layout in layouts if layout.recognise(made.folder))
    assert first.name == "deephealth_yaml"
    assert {sample.label for sample in first.read(made.folder).samples} == set(CLASSES)


def test_ecvl_reads_it(maker: LakeMaker) -> None:
    ecvl = pytest.importorskip("deephealth.ecvl")
    made = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis", classes=CLASSES)
    dataset = ecvl.DLDataset(str(made.folder / "dataset.yml"), 2, ecvl.DatasetAugmentations([None, None, None]))
    assert dataset.classes_ == list(CLASSES)
    assert len(dataset.samples_) == 42


def test_manifest_and_partitions_agree_with_the_files(maker: LakeMaker) -> None:
    made = make_cohort(maker.lake, "modality=XC,CT", name="both")
    manifest = read_manifest(made.folder)
    assert len(manifest["images"]) == 45  # 42 photographs and 3 volumes
    assert len(manifest["objects"]) == 48
    for image in manifest["images"]:
        assert sha256(made.folder / image["file"]) == image["sha256"]
    for one in manifest["objects"]:
        assert sha256(maker.lake.root / one["path"]) == one["sha256"]
    _, rows = read_tsv(made.folder / "partitions.tsv")
    assert sorted(row["filepath"] for row in rows) == sorted(image["file"] for image in manifest["images"])
    assert manifest["index_sha256"] == sha256(maker.lake.catalogue / "index.parquet")
    assert manifest["dataset_sha256"] == sha256(made.folder / "dataset.yml")
    parts = {row["participant_id"]: set[str]() for row in rows}
    for row in rows:
        parts[row["participant_id"]].add(row["partition"])
    assert all(len(one) == 1 for one in parts.values())


def test_the_same_question_and_seed_give_the_same_data_set(maker: LakeMaker) -> None:
    one = make_cohort(maker.lake, "modality=XC", name="one", labels="diagnosis", seed=3)
    two = make_cohort(maker.lake, "modality=XC", name="two", labels="diagnosis", seed=3)
    text = (one.folder / "dataset.yml").read_text()
    assert text.replace("one", "two") == (two.folder / "dataset.yml").read_text()
    assert (one.folder / "partitions.tsv").read_bytes() == (two.folder / "partitions.tsv").read_bytes()


def test_without_the_layout_pictures_are_made_from_the_objects(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    maker = LakeMaker(tmp_path)
    for at in range(6):
        maker.series(f"p{at}", "XC", slices=1, color=True)
    maker.series("p1", "CT", number=2, slices=2)
    write_index(maker.lake, maker.entries)
    made = make_cohort(maker.lake, "", name="raw")
    assert made.without_image == 2  # the slices of the CT, which need the layout
    assert len(read_deephealth_yaml(made.folder).samples) == 6
    assert all(path.read_bytes()[1:4] == b"PNG" for path in (made.folder / "images").iterdir())


@pytest.mark.parametrize(
    ("column", "key"),
    [("participant_id", "subject"), ("session_id", "session"), ("object", "key"), ("subject", "subject")],
)
def test_labels_from_a_table(maker: LakeMaker, column: str, key: str) -> None:
    table = maker.lake.derivatives / "demo" / "labels" / "findings.tsv"
    table.parent.mkdir(parents=True)
    prefix = {"participant_id": "sub-", "session_id": "ses-"}.get(column, "")
    photographs = [entry.facts for entry in maker.entries if entry.facts.modality == "XC"]
    lines = {f"{prefix}{getattr(one, key)}": "yes" if one.age and one.age % 2 else "no" for one in photographs[:-1]}
    table.write_text(f"{column}\tgrade\n" + "".join(f"{name}\t{value}\n" for name, value in lines.items()))
    made = make_cohort(maker.lake, "modality=XC", name="graded", labels="demo/labels/findings.tsv:grade")
    truth = {f"{prefix}{getattr(one, key)}": one for one in photographs}
    assert set(made.manifest["classes"]) == {"yes", "no"}
    expected = sum(f"{prefix}{getattr(one, key)}" in lines for one in photographs)
    assert len(made.manifest["images"]) == expected
    assert made.unlabelled == len(photographs) - expected
    assert truth


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("participant_id\tgrade\nA\tx\nA\ty\n", "two labels"),
        ("participant_id\tother\nA\tx\n", "no column 'grade'"),
        ("name\tgrade\nA\tx\n", "whose labels"),
    ],
)
def test_label_tables_that_are_wrong(maker: LakeMaker, text: str, words: str) -> None:
    table = maker.lake.derivatives / "labels.tsv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(text)
    with pytest.raises(DataError, match=words):
        make_cohort(maker.lake, "modality=XC", name="skin", labels="labels.tsv:grade")
    with pytest.raises(MissingDataError):
        make_cohort(maker.lake, "modality=XC", name="skin", labels="none.tsv")
    with pytest.raises(DataError, match="outside"):
        make_cohort(maker.lake, "modality=XC", name="skin", labels="../../x.tsv")


@pytest.mark.parametrize("name", ["", "../x", "A B", "-x", "x" * 65, "é"])
def test_names_of_cohorts(maker: LakeMaker, name: str) -> None:
    with pytest.raises(DataError, match="can't name"):
        make_cohort(maker.lake, "modality=XC", name=name)


def test_what_can_not_be_a_cohort(maker: LakeMaker) -> None:
    make_cohort(maker.lake, "modality=XC", name="skin")
    with pytest.raises(DataError, match="already"):
        make_cohort(maker.lake, "modality=XC", name="skin")
    with pytest.raises(DataError, match="finds nothing"):
        make_cohort(maker.lake, "modality=PT", name="pet")
    with pytest.raises(DataError, match="none has a label"):
        make_cohort(maker.lake, "modality=XC", name="pet", labels="stage")
    with pytest.raises(DataError, match="no class"):
        make_cohort(maker.lake, "modality=XC", name="pet", labels="diagnosis", classes=["mel"])
    assert sorted(path.name for path in maker.lake.derivatives.iterdir()) == ["skin"]


def test_a_cohort_that_fails_leaves_nothing(maker: LakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cohort_module, "link_or_copy", full)
    with pytest.raises(StorageError):
        make_cohort(maker.lake, "modality=XC", name="skin")
    assert not (maker.lake.derivatives / "skin").exists()
    assert list(maker.lake.staging.iterdir()) == []


def test_the_signature_covers_the_manifest(maker: LakeMaker) -> None:
    def sign(data: bytes) -> str:
        return hmac.new(b"key", data, "sha256").hexdigest()

    manifest = make_cohort(maker.lake, "modality=XC", name="skin", sign=sign).manifest
    signature = manifest.pop("signature")
    assert sign(json.dumps(manifest, sort_keys=True).encode()) == signature
