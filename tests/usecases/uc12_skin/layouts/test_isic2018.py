"""ISIC 2018 in the forms users have, and everything that can be wrong with it."""

from __future__ import annotations

import zipfile

import pytest

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.data.layout import read_index
from deephealth.data.split import make_split
from deephealth.usecases.uc12_skin.layouts import LAYOUTS
from deephealth.usecases.uc12_skin.layouts.isic2018 import read, recognise

HEADER = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"
TRUTH = "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv"
INPUT = "ISIC2018_Task3_Training_Input"


def one_hot(image: str, column: int, width: int = 7, mark: str = "1.0", zero: str = "0.0") -> str:
    return ",".join([image, *(mark if at == column else zero for at in range(width))])


@pytest.fixture
def official(tmp_path, put_images, put_table):
    put_images(INPUT, ["ISIC_1", "ISIC_2", "ISIC_3"])
    put_table(TRUTH, HEADER, one_hot("ISIC_1", 0), one_hot("ISIC_2", 1), one_hot("ISIC_3", 1))
    put_table(
        "ISIC2018_Task3_Training_LesionGroupings.csv",
        "image,lesion_id,diagnosis_confirm_type",
        "ISIC_1,HAM_1,histopathology",
        "ISIC_2,HAM_2,serial imaging showing no change",
        "ISIC_3,HAM_2,serial imaging showing no change",
    )
    put_images("ISIC2018_Task1_Training_GroundTruth", ["ISIC_1_segmentation", "ISIC_2_segmentation"], ".png")
    return tmp_path


def test_the_official_folders(official, said):
    (official / INPUT / "LICENSE.txt").write_text("x")
    (official / INPUT / "._ISIC_1.jpg").write_text("x")
    index = read_index(official, LAYOUTS)
    assert index.layout == "isic2018"
    assert index.classes == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert [(s.id, s.group, s.label, s.split) for s in index.samples] == [
        ("ISIC_1", "HAM_1", "mel", None),
        ("ISIC_2", "HAM_2", "nv", None),
        ("ISIC_3", "HAM_2", "nv", None),
    ]
    assert [s.mask.name if s.mask else None for s in index.samples] == [
        "ISIC_1_segmentation.png",
        "ISIC_2_segmentation.png",
        None,
    ]
    assert index.samples[0].facts == {"confirmation": "histopathology"}
    assert all(s.image.exists() for s in index.samples)
    assert said(index) == []
    assert "CC BY-NC" in index.licence


def test_all_rows_count_as_train_val_and_test_where_the_challenge_says_so(official, put_images, put_table):
    for phase, ids in (("Validation", ["ISIC_4"]), ("Test", ["ISIC_5", "ISIC_6"])):
        put_images(f"ISIC2018_Task3_{phase}_Input", ids)
        name = f"ISIC2018_Task3_{phase}_GroundTruth"
        put_table(f"{name}/{name}.csv", HEADER, *(one_hot(image, 1) for image in ids))
    index = read(official)
    assert [s.split for s in index.samples] == ["train"] * 3 + ["val"] + ["test"] * 2
    assert make_split_source(index).startswith("given")


def make_split_source(index) -> str:
    from deephealth.config.schema import SplitConfig

    return make_split(index, SplitConfig()).source


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".png"])
def test_nested_folders_other_case_and_other_suffixes(tmp_path, put_images, put_table, suffix, said):
    put_images(f"download/{INPUT.lower()}/{INPUT}", ["ISIC_1"], suffix)
    put_table(
        f"download/{TRUTH.split('/')[1]}", HEADER.lower(), one_hot("ISIC_1", 6, mark="1", zero="0"), newline="\r\n"
    )
    assert recognise(tmp_path)
    index = read(tmp_path)
    assert [(s.id, s.label, s.image.name) for s in index.samples] == [("ISIC_1", "vasc", f"ISIC_1{suffix}")]
    assert said(index) == [("warning", "no-group")]


def test_archives_are_read_as_they_are(tmp_path, official, said):
    target = tmp_path / "zipped"
    target.mkdir()
    for name in (INPUT, TRUTH.split("/")[0], "ISIC2018_Task1_Training_GroundTruth"):
        with zipfile.ZipFile(target / f"{name}.zip", "w") as archive:
            for path in (official / name).iterdir():
                archive.write(path, f"{name}/{path.name}")
            archive.writestr("__MACOSX/._x.jpg", b"x")
    assert recognise(target)
    index = read(target)
    assert [(s.id, s.label, s.mask is not None) for s in index.samples] == [
        ("ISIC_1", "mel", True),
        ("ISIC_2", "nv", True),
        ("ISIC_3", "nv", False),
    ]
    assert index.samples[0].image.member == f"{INPUT}/ISIC_1.jpg"
    assert index.samples[0].image.exists()


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / f"{INPUT}.zip").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UnreadableFileError, match=rf"{INPUT}\.zip"):
        read(tmp_path)


def test_task_1_alone_is_a_segmentation_set(tmp_path, put_images, said):
    for phase, ids in (("Training", ["ISIC_1", "ISIC_2"]), ("Validation", ["ISIC_3"]), ("Test", ["ISIC_4"])):
        put_images(f"ISIC2018_Task1-2_{phase}_Input", ids)
        put_images(f"ISIC2018_Task1_{phase}_GroundTruth", [f"{name}_segmentation" for name in ids], ".png")
    put_images("ISIC2018_Task1-2_Training_Input", ["ISIC_1_superpixels"], ".png")
    index = read(tmp_path)
    assert [(s.id, s.label, s.split, s.mask is not None) for s in index.samples] == [
        ("ISIC_1", None, "train", True),
        ("ISIC_2", None, "train", True),
        ("ISIC_3", None, "val", True),
        ("ISIC_4", None, "test", True),
    ]
    assert said(index) == []


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        (one_hot("ISIC_4", 9), "bad-label", "no class is marked"),
        ("ISIC_4,1,1,0,0,0,0,0", "bad-label", "mel and nv is marked"),
        ("ISIC_4,x,0,0,0,0,0,0", "bad-label", "could not convert"),
        (one_hot("ISIC_9", 0), "missing-image", "no image of it"),
        (one_hot("ISIC_1", 1), "duplicate", "is nv of lesion HAM_1, and mel"),
    ],
)
def test_wrong_rows_are_errors_with_file_and_line(official, put_images, row, kind, message):
    put_images(INPUT, ["ISIC_4"])
    with (official / TRUTH).open("a") as table:
        table.write(f"{row}\n")
    errors = [problem for problem in read(official).problems if problem.severity == "error"]
    assert [problem.kind for problem in errors] == [kind]
    assert errors[0].where == f"{official / TRUTH}:5"
    assert message in errors[0].message
    assert len(read(official).samples) == 3


def test_a_row_that_is_there_twice_is_a_warning(official, said):
    with (official / TRUTH).open("a") as table:
        table.write(one_hot("ISIC_1", 0) + "\n")
    assert said(read(official)) == [("warning", "duplicate")]


def test_images_without_label_and_masks_without_image_are_warnings(official, put_images, said):
    put_images(INPUT, ["ISIC_8"])
    put_images("ISIC2018_Task1_Training_GroundTruth", ["ISIC_9_segmentation"], ".png")
    index = read(official)
    assert said(index) == [("warning", "mask-without-image"), ("warning", "missing-label")]
    assert {problem.where for problem in index.problems} == {
        str(official / INPUT / "ISIC_8.jpg"),
        str(official / "ISIC2018_Task1_Training_GroundTruth" / "ISIC_9_segmentation.png"),
    }


def test_the_same_image_in_two_folders_is_one_sample_and_one_warning(official, put_images, said):
    put_images(f"copy/{INPUT}", ["ISIC_1", "ISIC_2"])
    index = read(official)
    assert len(index.samples) == 3
    assert said(index) == [("warning", "duplicate")]
    assert "2 images also in" in index.problems[0].message


def test_a_test_part_without_ground_truth_is_left_out_with_one_warning(official, put_images, said):
    put_images("ISIC2018_Task3_Test_Input", [f"ISIC_{n}" for n in range(100, 200)])
    index = read(official)
    assert said(index) == [("warning", "missing-label")]
    assert {s.split for s in index.samples} == {None}


def test_many_problems_of_one_kind_are_counted(official):
    with (official / TRUTH).open("a") as table:
        table.writelines(f"{one_hot(f'ISIC_{n}', 0)}\n" for n in range(1000, 1200))
    problems = read(official).problems
    missing = [problem for problem in problems if problem.kind == "missing-image"]
    assert len(missing) == 51
    assert "150 more of the kind 'missing-image' (200 in all)" in missing[-1].message


def test_missing_pieces_are_named(tmp_path, put_images, put_table):
    put_table(TRUTH, HEADER, one_hot("ISIC_1", 0))
    with pytest.raises(MissingDataError, match="no image of ISIC 2018"):
        read(tmp_path)
    put_images(INPUT, ["ISIC_1"])
    (tmp_path / TRUTH).unlink()
    with pytest.raises(MissingDataError, match=r"neither a ground-truth table nor a mask[\s\S]*GroundTruth\.csv"):
        read(tmp_path)


def test_a_table_without_its_columns_is_an_error(official, put_table):
    put_table(TRUTH, "name,MEL", "ISIC_1,1")
    with pytest.raises(DataError, match=r"GroundTruth\.csv, line 1: no column 'image'"):
        read(official)


def test_other_folders_are_not_recognised(tmp_path, put_images):
    put_images("images", ["ISIC_1"])
    assert not recognise(tmp_path)
    assert not recognise(tmp_path / "missing")
    assert not recognise(tmp_path / "images" / "ISIC_1.jpg")
