"""ISIC 2019: eight classes, UNK, missing lesion ids, reduced copies, and speed."""

from __future__ import annotations

import pytest

from deephealth.core.errors import MissingDataError
from deephealth.data.layout import read_index
from deephealth.usecases.uc12_skin.layouts import LAYOUTS
from deephealth.usecases.uc12_skin.layouts.isic2019 import read, recognise

HEADER = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
TRUTH = "ISIC_2019_Training_GroundTruth.csv"
METADATA = "ISIC_2019_Training_Metadata.csv"
INPUT = "ISIC_2019_Training_Input"


def row(image: str, column: int) -> str:
    return ",".join([image, *("1.0" if at == column else "0.0" for at in range(9))])


@pytest.fixture
def official(tmp_path, put_images, put_table):
    put_images(f"{INPUT}/{INPUT}", ["ISIC_1", "ISIC_2_downsampled", "ISIC_3"])
    put_table(TRUTH, HEADER, row("ISIC_1", 3), row("ISIC_2_downsampled", 7), row("ISIC_3", 0))
    put_table(
        METADATA,
        "image,age_approx,anatom_site_general,lesion_id,sex",
        "ISIC_1,55.0,anterior torso,HAM_1,female",
        "ISIC_2_downsampled,30.0,,,",
        "ISIC_3,,,MSK4_1,male",
    )
    return tmp_path


def test_the_official_files(official, said):
    index = read_index(official, LAYOUTS)
    assert index.layout == "isic2019"
    assert index.classes[-1] == "scc"
    assert len(index.classes) == 8
    assert [(s.id, s.group, s.label) for s in index.samples] == [
        ("ISIC_1", "HAM_1", "akiec"),
        ("ISIC_2_downsampled", "ISIC_2_downsampled", "scc"),
        ("ISIC_3", "MSK4_1", "mel"),
    ]
    assert index.samples[0].facts == {"age": "55.0", "sex": "female", "site": "anterior torso"}
    assert said(index) == [("warning", "no-group")]
    assert "1 of 3 images name no lesion" in index.problems[0].message


def test_downsampled_may_be_missing_in_the_table_or_in_the_file_name(tmp_path, put_images, put_table, said):
    put_images(INPUT, ["ISIC_1_downsampled", "ISIC_2"])
    put_table(TRUTH, HEADER, row("ISIC_1", 0), row("ISIC_2_downsampled", 1))
    index = read(tmp_path)
    assert [(s.id, s.image.name) for s in index.samples] == [
        ("ISIC_1", "ISIC_1_downsampled.jpg"),
        ("ISIC_2_downsampled", "ISIC_2.jpg"),
    ]
    assert said(index) == [("warning", "no-group")]


def test_the_class_unk_is_left_out_with_one_warning(official, put_images, said):
    put_images(INPUT, ["ISIC_7", "ISIC_8"])
    with (official / TRUTH).open("a") as table:
        table.write(f"{row('ISIC_7', 8)}\n{row('ISIC_8', 8)}\n{row('ISIC_9', 8)}\n")
    index = read(official)
    assert len(index.samples) == 3
    assert ("warning", "unknown-class") in said(index)
    assert not [problem for problem in index.problems if problem.severity == "error"]


def test_the_test_part_becomes_the_test_split(official, put_images, put_table):
    put_images("ISIC_2019_Test_Input", ["ISIC_50", "ISIC_51"])
    assert {s.split for s in read(official).samples} == {None}
    put_table("ISIC_2019_Test_GroundTruth.csv", HEADER, row("ISIC_50", 1), row("ISIC_51", 8))
    assert [s.split for s in read(official).samples] == ["train", "train", "train", "test"]


def test_missing_pieces_are_named(tmp_path, put_images, put_table):
    put_images(INPUT, ["ISIC_1"])
    with pytest.raises(MissingDataError, match="no ground-truth table"):
        read(tmp_path)
    (tmp_path / INPUT / "ISIC_1.jpg").unlink()
    put_table(TRUTH, HEADER, row("ISIC_1", 0))
    assert recognise(tmp_path)
    with pytest.raises(MissingDataError, match="no image of ISIC 2019"):
        read(tmp_path)


def test_an_index_of_the_full_size_is_read(tmp_path, put_table):
    folder = tmp_path / INPUT
    folder.mkdir()
    names = [f"ISIC_{n:07d}" for n in range(25_331)]
    for name in names:
        (folder / f"{name}.jpg").touch()
    put_table(TRUTH, HEADER, *(row(name, n % 8) for n, name in enumerate(names)))
    lesions = [f"{name},50.0,back,BCN_{n // 2},male" for n, name in enumerate(names)]
    put_table(METADATA, "image,age_approx,anatom_site_general,lesion_id,sex", *lesions)
    index = read(tmp_path)
    assert len(index.samples) == 25_331
    assert index.problems == ()
