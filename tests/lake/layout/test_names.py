"""Paths: safe, unique, the same on every run; names as BIDS and MIDS want them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.layout.brain import brain_sequence
from deephealth.lake.layout.names import image_name, modality_folder, place, series_label


def facts(**changed: object) -> ObjectFacts:
    values = {
        "subject": "SUBJ",
        "session": "SESS",
        "key": "KEY1",
        "format": "dicom",
        "modality": "CT",
        "sha256": "",
        "bytes": 0,
        "source": "",
        "series_uid": "2.25.1",
    }
    return ObjectFacts(**{**values, **changed})  # type: ignore[arg-type]


TEXT = st.text(max_size=30)


@given(modality=TEXT, body=TEXT, view=TEXT, description=TEXT, number=st.integers())
def test_a_path_stays_below_the_data_set_whatever_the_header_says(
    modality: str, body: str, view: str, description: str, number: int
) -> None:
    one = facts(modality=modality, body_part=body, view=view, description=description, series_number=number)
    for path in (place(one), image_name(one).path(1, ".nii.gz"), image_name(one, bids=False).path(7, ".png", 2)):
        assert re.fullmatch(r"[0-9A-Za-z._/-]+", path)
        assert ".." not in path
        assert not path.startswith("/")
        assert len(path.encode()) < 250


@pytest.mark.parametrize("name", ["", "..", "a/b", "a-b", "ä", "a b", "a\0", "A" * 3 + "\n", "１２"])
@pytest.mark.parametrize("field", ["subject", "key"])
def test_only_letters_and_digits_become_a_name_and_the_message_does_not_repeat_the_rest(name: str, field: str) -> None:
    with pytest.raises(DataError) as caught:
        place(facts(**{field: name}))
    assert not name or repr(name) not in str(caught.value)


def test_the_place_depends_on_the_object_alone() -> None:
    first = place(facts())
    assert place(facts(series_number=9, description="other", view="PA", rows=1)) == first
    assert place(facts(key="KEY2")) != first
    assert place(facts(series_uid="2.25.2")) != first


def test_places_by_format() -> None:
    assert place(facts(format="nifti", series_uid=""), ".nii") == "sourcedata/sub-SUBJ/ses-SESS/mod-ct/KEY1.nii"
    assert place(facts(format="nifti", series_uid="")) == "sourcedata/sub-SUBJ/ses-SESS/mod-ct/KEY1.nii.gz"
    assert (
        place(facts(format="edf", modality="EEG", series_uid="")) == "sourcedata/sub-SUBJ/ses-SESS/mod-elect/KEY1.edf"
    )
    assert place(facts(format="table", subject="")) == "sourcedata/tables/KEY1.tsv"
    assert place(facts(format="report", series_uid="")) == "sourcedata/sub-SUBJ/ses-SESS/reports/KEY1.txt"
    assert (
        place(facts(session="", format="png", modality="XC", series_uid="")) == "sourcedata/sub-SUBJ/mod-light/KEY1.png"
    )
    with pytest.raises(DataError, match="ending"):
        place(facts(), ".exe")
    with pytest.raises(DataError, match="no place"):
        place(facts(format="exe"))


def test_series_label_is_stable_over_versions() -> None:
    """Published names: this value must never change."""
    assert series_label(facts(series_uid="2.25.7")) == "BMQNCOKALEZJ"


@pytest.mark.parametrize(
    ("modality", "folder"),
    [
        ("CR", "mod-rx"),
        ("dx", "mod-rx"),
        ("CT", "mod-ct"),
        ("MG", "mod-mg"),
        ("US", "mod-us"),
        ("OPT", "mod-oph"),
        ("SM", "mod-light"),
        ("RTDOSE", "mod-rt"),
        ("ECG", "mod-elect"),
        ("SEG", "mod-seg"),
        ("../x", "mod-x"),
        ("", "mod-ot"),
    ],
)
def test_modality_folders(modality: str, folder: str) -> None:
    assert modality_folder(modality) == folder


def test_bimcv_covid19_names_are_what_we_make() -> None:
    """The published data set: mod-rx/sub-S03044_ses-E06138_run-1_bp-chest_vp-ap_dx.png."""
    one = facts(subject="S03044", session="E06138", modality="DX", body_part="CHEST", view="AP")
    expected = "sub-S03044/ses-E06138/mod-rx/sub-S03044_ses-E06138_run-1_bp-chest_vp-ap_dx.png"
    assert image_name(one).path(1, ".png") == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("t1_mprage_sag_p2_iso", "anat T1w"),
        ("Ax T1 +C", "anat T1w ce-contrast"),
        ("AX T2 FLAIR", "anat FLAIR"),
        ("t2_tirm_tra_dark-fluid", "anat FLAIR"),
        ("t2_tse_tra", "anat T2w"),
        ("ep2d_diff_mddw_20", "dwi dwi"),
        ("DTI 32 dir", "dwi dwi"),
        ("ep2d_bold_rest", "func bold task-rest"),
        ("fMRI finger tapping", "func bold task-unknown"),
        ("TOF_3D_multi-slab", "anat angio"),
        ("Ax SWI", "anat T2starw"),
        ("PD tra", "anat PDw"),
        ("ep2d_diff_ADC", ""),
        ("localizer", ""),
        ("3-plane scout", ""),
        ("perf DSC", ""),
        ("pCASL asl", ""),
        ("knie", ""),
        ("", ""),
    ],
)
def test_contrasts_by_description(description: str, expected: str) -> None:
    found = brain_sequence(facts(modality="MR", description=description))
    shown = "" if found is None else " ".join([found.datatype, found.suffix, *found.entities])
    assert shown == expected


def test_only_a_known_brain_is_bids() -> None:
    def is_bids(**changed: object) -> bool:
        return image_name(facts(**{"modality": "MR", "description": "t1 mprage", **changed})).is_bids

    assert is_bids(body_part="BRAIN")
    assert is_bids(body_part="Head")
    assert not is_bids(body_part="")
    assert not is_bids(body_part="KNEE")
    assert not is_bids(body_part="BRAIN", modality="CT")
    assert not is_bids(body_part="BRAIN", image_type="DERIVED\\SECONDARY")
