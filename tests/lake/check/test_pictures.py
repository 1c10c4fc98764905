"""Writing that is left in released pictures is read, compared with what the vault knows, and told without its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.lake.check.pictures import look_at, scan_pictures
from deephealth.lake.check.rendering import renders, spread
from deephealth.lake.check.sampling import Picked, PictureSample, choose
from deephealth.lake.check.words import KnownWords, dates_in, looks_like
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.journal import PublishedObject
from tests.lake.lake_maker import LakeMaker

KNOWN = [
    (
        "S1",
        Identifiers(
            names=frozenset({"QUIMBYFIELD^ZELDA", "Dr. Bartholomay"}),
            numbers=frozenset({"MRN-558213", "90817"}),
            dates=frozenset({"19620304"}),
            places=frozenset({"St. Elswhere Infirmary"}),
        ),
    ),
    (
        "S2",
        Identifiers(names=frozenset({"BROWN^CHEST", "WATERSTRADT^OSKAR"}), numbers=frozenset({"12345", "20417733"})),
    ),
]
WORDS = KnownWords(KNOWN)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("QUIMBYFIELD", "name"), ("Quimbyfleld", "name"), ("QUIMBYFIEL", "name"), ("0UIMBYFIELD", "name"),
        ("zelda", "name"), ("Zelda Quimbyfield 61Y", "name"), ("ZELDAQUIMBYFIELD", "name"),
        ("ref. Bartholomav", "name"),
        ("MRN-558213", "number"), ("ID: MRN 558213", "number"), ("MRN5582l3", "number"), ("90817", "number"),
        ("04.03.1962", "date"), ("03/04/62", "date"), ("1962-03-04", "date"), ("4 Mar 1962", "date"),
        ("St. Elswhere Infirmary", "place"), ("ST ELSWHERE INFIRMARV", "place"),
    ],
)  # fmt: skip
def test_a_patients_own_identifiers_are_known_as_they_are_misread(text, kind):
    assert ("S1", kind) in WORDS.find(text, "S1")


def test_identifiers_of_others_count_where_they_are_no_chance():
    assert WORDS.find("WATERSTRADT", "S1") == {("S2", "name")}
    assert WORDS.find("No 20417733", "S1") == {("S2", "number")}
    assert not WORDS.find("12345", "S1")
    assert WORDS.find("12345", "S2")
    assert not WORDS.find("04.03.1962", "S2")


@pytest.mark.parametrize(
    "text", ["CHEST PA", "R", "120 kV 3.5 mAs", "ERECT", "zeld", "T2 TSE fs tra", "GE LOGIQ E9", "10 cm", "quim field"]
)
def test_what_is_no_identifier_is_left_alone(text):
    assert not WORDS.find(text, "S1")
    assert looks_like(text) == ""


@given(st.text(max_size=40))
def test_no_line_breaks_it(text):
    WORDS.find(text, "S1")
    assert looks_like(text) in {"", "date", "number", "name"}
    assert all(len(date) == 8 and date.isdigit() for date in dates_in(text))


def _published(
    path: str, modality: str, *, painted: bool = False, sop: str = "", kind: str = "dicom"
) -> PublishedObject:
    facts = ObjectFacts("S1", "V1", "K1", kind, modality, "", 0, "", sop_class=sop)
    return PublishedObject(facts, "demo", path, boxes=({"frame": 0},) if painted else ())


def test_the_sample_holds_what_is_at_risk_and_some_of_the_others():
    objects = [_published(f"ct/{at}", "CT") for at in range(50)]
    objects += [_published(f"us/{at}", "US", painted=at < 3) for at in range(10)]
    objects += [_published("sc", "CT", sop="1.2.840.10008.5.1.4.1.1.7.4"), _published("sr", "SR")]
    objects += [_published("photo", "XC", sop="1.2.840.10008.5.1.4.1.1.77.1.4"), _published("t", "TABLE", kind="table")]
    choice = choose(objects, PictureSample(at_risk=100, others=4))
    assert {one.path for one in choice.picked if one.modality == "US"} == {f"us/{at}" for at in range(10)}
    assert sum(one.path.startswith("ct/") for one in choice.picked) == 4
    assert {"sc", "photo"} <= {one.path for one in choice.picked}
    assert not {"sr", "t"} & {one.path for one in choice.picked}
    assert choice.pictures == {"CT": 51, "US": 10, "XC": 1}
    assert choice.at_risk == 11
    again = choose(reversed(objects), PictureSample(at_risk=100, others=4))
    assert again.picked == choice.picked
    assert choose(objects, PictureSample(others=4, seed=1)).picked != choice.picked
    few = choose(objects, PictureSample(at_risk=3, others=0))
    assert [one.painted for one in few.picked] == [True] * 3


def test_a_sample_of_less_than_nothing_is_refused():
    with pytest.raises(DataError):
        PictureSample(at_risk=-1)


def test_frames_are_spread():
    assert spread(100, 5) == [0, 25, 50, 74, 99]
    assert spread(1, 3) == [0]


def _written(dataset: pydicom.Dataset, text: str, bright: int, at: tuple[int, int] = (12, 60)) -> None:
    values = np.random.default_rng(0).normal(600, 25, (dataset.Rows, dataset.Columns)).clip(0, 4095).astype(np.uint16)
    mask = cv2.putText(np.zeros(values.shape, np.uint8), text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    values[mask > 127] = bright
    dataset.PixelData = values.tobytes()


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    """Pictures with and without writing."""
    made = LakeMaker(tmp_path_factory.mktemp("lake"))
    texts = {
        "DX": ("QUIMBYFIELD ZELDA", 4000),
        "CT": ("MRN-558213", 300),
        "ES": ("", 0),
        "MR": ("JONATHAN 99887766", 1500),
    }
    for modality in texts:
        made.series("p", modality, slices=1, size=256, color=modality == "ES")
    for at, (text, bright) in enumerate(texts.values()):
        path = made.lake.root / made.entries[at].path
        dataset = pydicom.dcmread(path)
        if text:
            _written(dataset, text, bright)
        else:
            dataset.PixelData = bytes(256 * 256 * 3)
        dataset.save_as(path)
    return made


def _objects(maker: LakeMaker) -> list[PublishedObject]:
    return [PublishedObject(replace(one.facts, subject="S1"), one.dataset, one.path) for one in maker.entries]


def test_what_is_left_in_a_picture_is_found_and_never_told(maker):
    steps = []
    scan = scan_pictures(maker.lake, _objects(maker), KNOWN, workers=1, progress=lambda *at: steps.append(at))
    found = {(finding.path, finding.hit.kind) for finding in scan.findings}
    assert found == {(maker.entries[0].path, "name"), (maker.entries[1].path, "number")}
    assert {finding.where for finding in scan.findings} == {"picture"}
    assert {doubt.path for doubt in scan.doubts} == {maker.entries[3].path}
    assert not scan.ok
    assert not scan.unreadable
    assert scan.objects == 4
    assert steps[-1] == (4, 4)
    told = " ".join([repr(scan), *map(str, scan.findings), *map(str, scan.doubts)]).upper()
    for text in ("QUIMBY", "ZELDA", "558213", "JONATHAN", "99887766"):
        assert text not in told


def test_what_cannot_be_rendered_is_unreadable_and_fails(maker, tmp_path):
    folder = LakeFolder(tmp_path)
    broken = tmp_path / "a.dcm"
    broken.write_bytes((maker.lake.root / maker.entries[0].path).read_bytes()[:-50_000])
    answer = look_at(folder, Picked("a.dcm", "S1", "dicom", "DX", False), WORDS, 1)
    assert answer["unreadable"] == ["a.dcm"]
    assert look_at(folder, Picked("gone.dcm", "S1", "dicom", "DX", False), WORDS, 1)["unreadable"] == ["gone.dcm"]


def test_an_empty_lake_has_nothing_to_show(tmp_path):
    scan = scan_pictures(LakeFolder(tmp_path), [], KNOWN)
    assert scan.ok
    assert scan.objects == 0


def test_every_format_is_rendered(tmp_path):
    grey = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp", "a.webp"):
        cv2.imwrite(str(tmp_path / name), grey)
        views = list(renders(tmp_path / name, "png"))
        assert [view.window for view in views] == ["color", "color inverted"]
        assert views[0].picture.shape == (64, 64, 3)
        assert np.array_equal(views[1].picture, 255 - views[0].picture)
    volume = np.random.default_rng(0).normal(0, 1, (32, 40, 9)).astype(np.float32)
    nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / "a.nii.gz")
    views = list(renders(tmp_path / "a.nii.gz", "nifti", frames=3, inverted=False))
    assert {view.frame for view in views} == {0, 4, 8}
    assert {view.picture.shape for view in views} == {(40, 32)}


@pytest.mark.parametrize(
    "name",
    [
        "examples_ybr_color.dcm",
        "examples_palette.dcm",
        "examples_jpeg2k.dcm",
        "rtdose.dcm",
        "liver_1frame.dcm",
        "image_dfl.dcm",
        "CT_small.dcm",
    ],
)
def test_pixels_of_every_kind_are_rendered(name):
    path = pydicom.data.get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} is not installed")
    views = list(renders(Path(path), "dicom", frames=2, inverted=False))
    assert views
    assert all(view.picture.dtype == np.uint8 for view in views)


def test_overlays_are_pictures_too(tmp_path, maker):
    dataset = pydicom.dcmread(maker.lake.root / maker.entries[0].path)
    block = {
        0x10: ("US", 256),
        0x11: ("US", 256),
        0x40: ("CS", "G"),
        0x50: ("SS", [1, 1]),
        0x100: ("US", 1),
        0x102: ("US", 0),
    }
    for element, (vr, value) in block.items():
        dataset.add_new((0x6000, element), vr, value)
    dataset.add_new((0x6000, 0x3000), "OW", b"\xff" * 100 + bytes(256 * 32 - 100))
    dataset.save_as(tmp_path / "a.dcm")
    overlay = next(renders(tmp_path / "a.dcm", "dicom"))
    assert overlay.window == "overlay"
    assert overlay.picture.sum() == 800 * 255


def test_what_has_no_pixels_has_no_view():
    assert list(renders(Path(pydicom.data.get_testdata_file("rtplan.dcm", download=False)), "dicom")) == []
