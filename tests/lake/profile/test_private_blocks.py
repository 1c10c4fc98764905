"""Private attributes: only those that the standard knows to be safe, and only when asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from deephealth.lake.profile.options import BASIC, RESEARCH
from deephealth.lake.pseudonyms import Pseudonyms

Make, Clean = Callable[..., Dataset], Callable[..., object]


def with_private(dataset: Dataset) -> Dataset:
    siemens = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    siemens.add_new(0x0C, "IS", "1000")
    siemens.add_new(0x0E, "FD", [1.0, 0.0, 0.0])
    siemens.add_new(0x0B, "DS", "5")
    secret = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    secret.add_new(0x10, "OB", b"DOE^JANE")
    unusual = dataset.private_block(0x0009, "DOE^JANE'S BLOCK", create=True)
    unusual.add_new(0x01, "LO", "DOE")
    return dataset


@pytest.mark.parametrize("implicit", [False, True])
def test_safe_attributes_stay_with_their_creator(ct: Make, clean: Clean, through_file: Make, implicit: bool) -> None:
    raw = through_file(with_private(ct()), implicit=implicit)
    clean(raw)
    private = {int(element.tag) for element in raw if element.tag.is_private}
    assert private == {0x00190010, 0x0019100C, 0x0019100E}
    assert raw[0x0019100C].value == 1000
    assert raw[0x0019100E].value == [1.0, 0.0, 0.0]


def test_the_basic_profile_keeps_none(ct: Make, clean: Clean, through_file: Make) -> None:
    raw = through_file(with_private(ct()))
    clean(raw, BASIC)
    assert not any(element.tag.is_private for element in raw)


def test_private_attributes_in_sequences(ct: Make, clean: Clean, through_file: Make) -> None:
    item = with_private(Dataset())
    raw = through_file(ct(ProcedureCodeSequence=[item]))
    clean(raw)
    private = {int(element.tag) for element in raw.ProcedureCodeSequence[0] if element.tag.is_private}
    assert private == {0x00190010, 0x0019100C, 0x0019100E}


def test_a_safe_attribute_with_another_value_than_the_standard_says_goes(
    ct: Make, clean: Clean, through_file: Make
) -> None:
    dataset = ct()
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "LO", "DOE^JANE")  # a b value should stand here
    block.add_new(0x0E, "LO", "DOE JANE")
    raw = through_file(dataset)
    clean(raw)
    assert not any(element.tag.is_private for element in raw)


def test_texts_uids_and_streams_of_safe_blocks(ct: Make, clean: Clean, through_file: Make, names: Pseudonyms) -> None:
    dataset = ct()
    block = dataset.private_block(0x0099, "NQHeader", create=True)
    block.add_new(0x01, "UI", "1.0.4")
    block.add_new(0x02, "UI", "1.2.3.99")
    block.add_new(0x05, "LT", "done for DOE")
    block.add_new(0x10, "FL", 0.5)
    stream = dataset.private_block(0x7FD1, "SIEMENS SYNGO ULTRA-SOUND TOYON DATA STREAMING", create=True)
    stream.add_new(0x10, "OB", b"DOE^JANE")
    raw = through_file(dataset)
    clean(raw)
    assert raw[0x00991001].value == "1.0.4"
    assert raw[0x00991002].value == names.uid("1.2.3.99")
    assert raw[0x00991005].value == "done for"
    assert raw[0x00991010].value == 0.5
    assert 0x7FD11010 not in raw
    assert 0x7FD10010 not in raw


def test_blocks_without_a_creator_and_reserved_elements_go(ct: Make, clean: Clean) -> None:
    dataset = ct()
    dataset.add_new(0x00191010, "LO", "DOE")
    dataset.add_new(0x00190001, "LO", "DOE")
    dataset.add_new(0x00110012, "LO", "SIEMENS MR HEADER")  # a creator of nothing
    clean(dataset, RESEARCH)
    assert not any(element.tag.is_private for element in dataset)


def test_the_same_creator_under_two_numbers(ct: Make, clean: Clean) -> None:
    dataset = ct()
    for number in (0x10, 0x42):
        dataset.add_new(0x00190000 | number, "LO", "SIEMENS MR HEADER ")
        dataset.add_new(0x0019000C | number << 8, "IS", "50")
    clean(dataset)
    assert {int(element.tag) for element in dataset if element.tag.is_private} == {
        0x00190010,
        0x00190042,
        0x0019100C,
        0x0019420C,
    }
