"""HAM10000 as published by Harvard Dataverse and on Kaggle."""

from __future__ import annotations

import pytest

from deephealth.core.errors import DataError, MissingDataError
from deephealth.data.layout import read_index
from deephealth.usecases.uc12_skin.layouts import LAYOUTS
from deephealth.usecases.uc12_skin.layouts.ham10000 import read

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization"
ROWS = (
    "HAM_1,ISIC_1,bkl,histo,80.0,male,scalp",
    "HAM_1,ISIC_2,bkl,histo,80.0,male,scalp",
    "HAM_2,ISIC_3,nv,follow_up,,unknown,unknown",
)
FACTS = {"age": "80.0", "sex": "male", "site": "scalp", "confirmation": "histo"}


@pytest.fixture
def two_folders(tmp_path, put_images):
    put_images("HAM10000_images_part_1", ["ISIC_1", "ISIC_2"])
    put_images("HAM10000_images_part_2", ["ISIC_3"])
    put_images("HAM10000_segmentations_lesion_tschandl", ["ISIC_1_segmentation"], ".png")
    return tmp_path


@pytest.mark.parametrize("name", ["HAM10000_metadata", "HAM10000_metadata.csv", "ham10000_metadata.tab"])
def test_every_form_of_the_metadata(two_folders, put_table, said, name):
    delimiter = "\t" if name.endswith("tab") else ","
    put_table(name, HEADER.replace(",", delimiter), *(row.replace(",", delimiter) for row in ROWS))
    index = read_index(two_folders, LAYOUTS)
    assert index.layout == "ham10000"
    assert [(s.id, s.group, s.label, s.split) for s in index.samples] == [
        ("ISIC_1", "HAM_1", "bkl", None),
        ("ISIC_2", "HAM_1", "bkl", None),
        ("ISIC_3", "HAM_2", "nv", None),
    ]
    assert index.samples[0].facts == FACTS
    assert index.samples[2].facts == {"sex": "", "site": "", "confirmation": "follow_up"}
    assert [s.mask is not None for s in index.samples] == [True, False, False]
    assert said(index) == []


def test_all_images_in_one_folder_and_a_byte_order_mark(tmp_path, put_images, put_table, said):
    put_images("images", ["ISIC_1", "ISIC_2", "ISIC_3"])
    put_table("HAM10000_metadata.csv", "\ufeff" + HEADER + ",dataset", *(f"{row},vidir_modern" for row in ROWS))
    index = read(tmp_path)
    assert len(index.samples) == 3
    assert index.samples[0].facts == {**FACTS, "source": "vidir_modern"}
    assert said(index) == []


def test_the_folders_that_kaggle_repeats_are_one_warning(two_folders, put_images, put_table, said):
    put_images("ham10000_images_part_1_copy", ["ISIC_1", "ISIC_2"])
    put_table("HAM10000_metadata.csv", HEADER, *ROWS)
    index = read(two_folders)
    assert said(index) == [("warning", "duplicate")]
    assert len(index.samples) == 3


def test_the_challenge_images_beside_it_are_another_data_set(two_folders, put_images, put_table, said):
    put_images("ISIC2018_Task3_Test_Images", ["ISIC_90"])
    put_table("ISIC2018_Task3_Test_GroundTruth.csv", "image_id,dx", "ISIC_90,nv")
    put_table("HAM10000_metadata", HEADER, *ROWS)
    index = read_index(two_folders, LAYOUTS)
    assert index.layout == "ham10000"
    assert len(index.samples) == 3
    assert said(index) == []


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ("HAM_9,ISIC_4,wart,histo,1,male,back", "bad-label", "unknown diagnosis 'wart' in the column 'dx'"),
        ("HAM_9,ISIC_4,,histo,1,male,back", "bad-label", "the diagnosis is empty"),
        ("HAM_9,ISIC_5,nv,histo,1,male,back", "missing-image", "ISIC_5 has a label"),
        ("HAM_9,ISIC_1,bkl,histo,1,male,back", "duplicate", "bkl of lesion HAM_9, and bkl of HAM_1"),
    ],
)
def test_wrong_rows_are_errors_with_file_and_line(two_folders, put_images, put_table, row, kind, message):
    put_images("HAM10000_images_part_1", ["ISIC_4"])
    table = put_table("HAM10000_metadata.csv", HEADER, *ROWS, row)
    errors = [problem for problem in read(two_folders).problems if problem.severity == "error"]
    assert [(problem.kind, problem.where) for problem in errors] == [(kind, f"{table}:5")]
    assert message in errors[0].message


def test_missing_pieces_are_named(tmp_path, two_folders, put_table):
    with pytest.raises(MissingDataError, match="no metadata table of HAM10000"):
        read(two_folders)
    put_table("alone/HAM10000_metadata.csv", HEADER, *ROWS)
    with pytest.raises(MissingDataError, match="no image of HAM10000"):
        read(tmp_path / "alone")


def test_a_column_that_is_missing_is_named(two_folders, put_table):
    put_table("HAM10000_metadata.csv", "lesion_id,image,diagnosis", "HAM_1,ISIC_1,nv")
    with pytest.raises(DataError, match="no column 'image_id', 'dx'"):
        read(two_folders)
