"""Where dicom-anonymizer and deid differ from the standard, ours is the standard's answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from deephealth.lake.profile.options import BASIC

Make, Clean = Callable[..., Dataset], Callable[..., object]


@pytest.fixture
def dicom_anonymizer() -> Callable[[Dataset], Dataset]:
    peer = pytest.importorskip("dicomanonymizer.simpledicomanonymizer")

    def run(dataset: Dataset) -> Dataset:
        copy = deepcopy(dataset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.anonymize_dataset(copy, base_rules_gen=lambda: peer.initialize_actions("dicomfields_2026c"))
        return copy

    return run


def ours(dataset: Dataset, clean: Clean) -> Dataset:
    copy = deepcopy(dataset)
    clean(copy, BASIC)
    return copy


def test_x_on_a_date_removes_it(ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]) -> None:
    dataset = ct(LastMenstrualDate="20200229", AdmittingDate="20200229")
    assert dicom_anonymizer(dataset).LastMenstrualDate == "00010101"
    cleaned = ours(dataset, clean)
    assert "LastMenstrualDate" not in cleaned
    assert "AdmittingDate" not in cleaned


def test_z_on_a_date_or_a_sequence_empties_it(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    item = Dataset()
    item.LocalNamespaceEntityID = "MARY"
    dataset = ct(PatientBirthDate="19280504", IssuerOfTheSpecimenIdentifierSequence=[item])
    peer = dicom_anonymizer(dataset)
    assert peer.PatientBirthDate == "00010101"
    assert len(peer.IssuerOfTheSpecimenIdentifierSequence) == 1
    cleaned = ours(dataset, clean)
    assert cleaned.PatientBirthDate == ""
    assert len(cleaned.IssuerOfTheSpecimenIdentifierSequence) == 0


def test_a_compound_action_is_x_where_the_object_can_do_without(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    dataset = ct(InstitutionName="Saint Mary", SeriesDate="20200229", StationName="CT1")
    peer = dicom_anonymizer(dataset)
    assert peer.InstitutionName == peer.StationName == "ANONYMIZED"
    assert peer.SeriesDate == "00010101"
    cleaned = ours(dataset, clean)
    assert not {"InstitutionName", "SeriesDate", "StationName"} & set(cleaned.dir())


def test_sequences_that_the_table_leaves_out_are_walked(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    item = Dataset()
    item.OperatorsName, item.InstitutionAddress = "SMITH^ANN", "Elm Street 5"
    dataset = ct(ContributingEquipmentSequence=[item])
    assert dicom_anonymizer(dataset).ContributingEquipmentSequence[0].OperatorsName == "SMITH^ANN"
    cleaned = ours(dataset, clean).ContributingEquipmentSequence[0]
    assert "OperatorsName" not in cleaned
    assert "InstitutionAddress" not in cleaned


def test_private_attributes_in_sequences_go(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    item = Dataset()
    item.private_block(0x0009, "BLOCK", create=True).add_new(1, "LO", "DOE")
    cleaned = ours(ct(ProcedureCodeSequence=[item]), clean)
    assert not any(element.tag.is_private for element in cleaned.iterall())


def test_references_lead_to_the_same_new_uids(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
    dataset = ct(ReferencedImageSequence=[item])
    assert dicom_anonymizer(dataset).ReferencedImageSequence[0].ReferencedSOPInstanceUID == ""
    cleaned = ours(dataset, clean)
    assert cleaned.ReferencedImageSequence[0].ReferencedSOPInstanceUID == cleaned.SOPInstanceUID


def test_uids_of_the_standard_itself_stay(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    dataset = ct(FrameOfReferenceUID="1.2.840.10008.1.4.1.1")
    assert dicom_anonymizer(dataset).FrameOfReferenceUID != "1.2.840.10008.1.4.1.1"
    assert ours(dataset, clean).FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_a_new_uid_is_the_same_in_the_next_run(
    ct: Make, clean: Clean, dicom_anonymizer: Callable[[Dataset], Dataset]
) -> None:
    peer = pytest.importorskip("dicomanonymizer.simpledicomanonymizer")
    first = dicom_anonymizer(ct()).SOPInstanceUID
    peer.dictionary.clear()  # what a second process starts with
    assert dicom_anonymizer(ct()).SOPInstanceUID != first
    assert ours(ct(), clean).SOPInstanceUID == ours(ct(), clean).SOPInstanceUID


def test_deid_leaves_what_its_recipe_does_not_name(ct: Make, clean: Clean, through_file: Make, tmp_path: Path) -> None:
    deid_dicom = pytest.importorskip("deid.dicom")
    config = pytest.importorskip("deid.config")
    item = Dataset()
    item.OperatorsName, item.ContributionDateTime = "SMITH^ANN", "20200229"
    dataset = through_file(
        ct(
            ContributingEquipmentSequence=[item],
            StudyDate="20200229",
            ImageComments="DOE",
            InstitutionName="Saint Mary",
        )
    )
    dataset.save_as(tmp_path / "in.dcm")
    recipe = config.DeidRecipe(base=True)
    (peer,) = deid_dicom.replace_identifiers(
        dicom_files=[str(tmp_path / "in.dcm")], deid=recipe, save=False, strip_sequences=False
    )
    left = str(peer)
    assert "SMITH^ANN" in left or "20200229" in left or "Saint Mary" in left or "DOE" in left
    cleaned = str(ours(dataset, clean))
    assert not any(word in cleaned for word in ("SMITH", "20200229", "Mary", "DOE"))
