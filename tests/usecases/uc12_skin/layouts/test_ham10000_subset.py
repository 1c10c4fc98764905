"""The cut of HAM10000 with a split of its own, in miniature and for real."""

from __future__ import annotations

import zipfile
from collections import Counter

import pytest

from deephealth.config.schema import SplitConfig
from deephealth.core.errors import LeakError, MissingDataError
from deephealth.data.layout import read_index
from deephealth.data.split import make_split
from deephealth.usecases.uc12_skin.layouts import LAYOUTS
from deephealth.usecases.uc12_skin.layouts.ham10000_subset import read, recognise

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization,top,bottom,left,right,split"
ROWS = ("HAM_1,ISIC_1,nv,histo,75.0,male,back,1,2,3,4,train", "HAM_2,ISIC_2,mel,histo,5.0,male,back,1,2,3,4,validation")


@pytest.fixture
def cut(tmp_path, put_images, put_table):
    put_images("images", ["ISIC_1", "ISIC_2"])
    put_images("masks", ["ISIC_1", "ISIC_2"], ".png")
    put_table("labels.csv", HEADER, *ROWS)
    return tmp_path


def test_folders(cut, said):
    index = read_index(cut, LAYOUTS)
    assert index.layout == "ham10000_subset"
    assert [(s.id, s.label, s.split, s.image.name, s.mask.name) for s in index.samples] == [
        ("ISIC_1", "nv", "train", "ISIC_1.jpg", "ISIC_1.png"),
        ("ISIC_2", "mel", "val", "ISIC_2.jpg", "ISIC_2.png"),
    ]
    assert said(index) == []


def test_an_archive(cut, tmp_path, said):
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "images_masks_200x150.zip", "w") as archive:
        for path in (*(cut / "images").iterdir(), *(cut / "masks").iterdir()):
            archive.write(path, f"{path.parent.name}/{path.name}")
    (cut / "labels.csv").rename(tmp_path / "packed" / "labels.csv")
    index = read(tmp_path / "packed")
    assert [(s.image.member, s.mask.member) for s in index.samples] == [
        ("images/ISIC_1.jpg", "masks/ISIC_1.png"),
        ("images/ISIC_2.jpg", "masks/ISIC_2.png"),
    ]
    assert said(index) == []


def test_an_unknown_split_is_an_error(cut, put_table, said):
    put_table("labels.csv", HEADER, ROWS[0], ROWS[1].replace("validation", "holdout"))
    assert said(read(cut)) == [("error", "bad-split")]


def test_a_lesion_in_two_splits_is_refused_by_the_split(cut, put_table):
    put_table("labels.csv", HEADER, ROWS[0], ROWS[1].replace("HAM_2", "HAM_1"))
    with pytest.raises(LeakError, match="HAM_1"):
        make_split(read(cut), SplitConfig())


def test_missing_pieces_are_named(cut, tmp_path, put_table):
    put_table("empty/labels.csv", HEADER, *ROWS)
    with pytest.raises(MissingDataError, match="no image"):
        read(tmp_path / "empty")
    (cut / "labels.csv").unlink()
    with pytest.raises(MissingDataError, match=r"no labels\.csv"):
        read(cut)


def test_other_tables_called_labels_are_not_recognised(cut, put_table):
    assert recognise(cut)
    put_table("labels.csv", "name,class", "a,b")
    assert not recognise(cut)
    (cut / "labels.csv").write_bytes(b"\xff\xfe\x00 not text")
    assert not recognise(cut)


@pytest.mark.real
def test_the_real_cut(shared_data):
    index = read_index(shared_data / "skin-lesion-ham10000", LAYOUTS)
    assert index.layout == "ham10000_subset"
    assert len(index.classes) == 7
    assert Counter(s.split for s in index.samples) == {"train": 1678, "val": 360, "test": 361}
    assert Counter(s.label for s in index.samples) == {
        "nv": 800, "mel": 500, "bkl": 400, "bcc": 300, "akiec": 228, "vasc": 98, "df": 73,
    }  # fmt: skip
    assert index.problems == ()
    assert all(s.mask is not None for s in index.samples)
    split = make_split(index, SplitConfig())
    assert [len(part) for part in (split.train, split.val, split.test)] == [1678, 360, 361]
