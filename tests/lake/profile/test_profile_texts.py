"""Character sets: read, searched, and written back as they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.identity import identifiers_of
from deephealth.lake.profile.sweep import Sweeper
from deephealth.lake.profile.texts import codec_of

Make, Clean = Callable[..., Dataset], Callable[..., object]

SETS = {
    "latin": (["ISO_IR 100"], "Müller^Jörg"),
    "latin-2": (["ISO_IR 101"], "Dvořák^Růžena"),
    "cyrillic": (["ISO_IR 144"], "Люкceмбypг"),
    "greek": (["ISO_IR 126"], "Διονυσιος"),
    "hebrew": (["ISO_IR 138"], "שרון^דבורה"),
    "arabic": (["ISO_IR 127"], "قباني^لنزار"),
    "utf-8": (["ISO_IR 192"], "王^小東"),
    "gb18030": (["GB18030"], "王^小东"),
    "japanese": (["", "ISO 2022 IR 87"], "山田^太郎"),
    "japanese-kana": (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    "korean": (["", "ISO 2022 IR 149"], "김^희중"),
}


@pytest.mark.parametrize("name", SETS)
def test_names_are_found_and_taken_out_in_every_character_set(
    name: str, ct: Make, clean: Clean, through_file: Make
) -> None:
    sets, person = SETS[name]
    dataset = ct(PatientName=person)
    dataset.SpecificCharacterSet = sets if len(sets) > 1 else sets[0]
    word = max(person.split("^"), key=len)
    dataset.StudyDescription = f"chest {word} 5 mm"
    dataset.ImageComments = "a comment"
    raw = through_file(dataset)
    assert identifiers_of(raw).names == {person}
    before = raw.get_item(0x00100010).value.rstrip()
    clean(raw)
    again = through_file(raw)
    assert again.StudyDescription == "chest 5 mm"
    assert again.ImageComments == "a comment"
    assert before not in raw.get_item(0x00081030).value


@pytest.mark.parametrize("name", SETS)
def test_text_that_stays_keeps_its_bytes(name: str, ct: Make, clean: Clean, through_file: Make) -> None:
    sets, person = SETS[name]
    dataset = ct(PatientName="ROE^RICHARD", FilterType=person)
    dataset.SpecificCharacterSet = sets if len(sets) > 1 else sets[0]
    raw = through_file(dataset)
    before = raw.get_item(0x00181160).value
    clean(raw)
    assert raw.get_item(0x00181160).value == before
    assert through_file(raw).FilterType == person


@pytest.mark.parametrize("name", [name for name in SETS if "^" in SETS[name][1]])
def test_what_stays_of_a_cleaned_text_is_written_in_its_character_set(
    name: str, ct: Make, clean: Clean, through_file: Make
) -> None:
    sets, person = SETS[name]
    word = max(person.split("^"), key=len)
    other = person.replace(word, "").strip("^")
    dataset = ct(PatientName=word, StudyDescription=f"{other} {word} x")
    dataset.SpecificCharacterSet = sets if len(sets) > 1 else sets[0]
    raw = through_file(dataset)
    clean(raw)
    assert through_file(raw).StudyDescription == f"{other} x"


def test_utf8_that_is_not_declared_is_read_as_such(ct: Make, clean: Clean, through_file: Make) -> None:
    raw = through_file(ct(PatientName="ROE", StudyDescription="x"))
    for tag, text in ((0x00100010, "Müller^Jörg"), (0x00081030, "chest Müller Jörg, Läsion")):
        value = text.encode()
        value += b" " * (len(value) % 2)
        raw._dict[raw.get_item(tag).tag] = raw.get_item(tag)._replace(value=value, length=len(value))
    assert identifiers_of(raw).names == {"Müller^Jörg"}
    clean(raw)
    assert raw.get_item(0x00081030).value.rstrip().decode() == "chest , Läsion"


@pytest.mark.parametrize("declared", ["RÓŻA", "MĘŻYK", "ÓŁ"])
def test_letters_of_a_declared_set_that_are_valid_utf8_by_chance_are_taken_out(
    declared: str, ct: Make, clean: Clean, through_file: Make
) -> None:
    assert declared.encode("iso8859-2").decode("utf-8") != declared
    dataset = ct(PatientName=f"NOWAK^{declared}", StudyDescription=f"CT chest for NOWAK, {declared} 5 mm")
    dataset.SpecificCharacterSet = "ISO_IR 101"
    raw = through_file(dataset)
    assert f"NOWAK^{declared}" in identifiers_of(raw).names
    clean(raw)
    left = raw.get_item(0x00081030).value
    assert declared.encode("iso8859-2") not in left
    assert through_file(raw).StudyDescription.startswith("CT chest for")


def test_utf8_in_a_data_set_that_declares_another_set_is_taken_out_too(
    ct: Make, clean: Clean, through_file: Make
) -> None:
    dataset = ct(PatientName="x", StudyDescription="x")
    dataset.SpecificCharacterSet = "ISO_IR 101"
    raw = through_file(dataset)
    for tag, text in ((0x00100010, "Żak^Ewa"), (0x00081030, "chest Żak 5 mm")):
        value = text.encode()
        value += b" " * (len(value) % 2)
        raw._dict[raw.get_item(tag).tag] = raw.get_item(tag)._replace(value=value, length=len(value))
    assert "Żak^Ewa" in identifiers_of(raw).names
    clean(raw)
    assert raw.get_item(0x00081030).value.rstrip() == b"chest 5 mm"


def test_one_half_of_a_double_name_goes_where_texts_are_only_swept() -> None:
    pytest.importorskip("faker")
    sweeper = Sweeper(Identifiers.of(names=["ברדה^אליהו", "Mckee-Stein^Vincent"]))
    assert sweeper.known("LIVER PT Mckee") == "LIVER PT"
    assert sweeper.known("LIVER PT") == "LIVER PT"


def test_backslashes_within_two_byte_characters_separate_nothing() -> None:
    codec = codec_of(("GB18030",))
    value = "乗乘".encode("gb18030")
    assert codec.decode(value) == ("乗乘", "GB18030")


@given(st.binary(max_size=60), st.sampled_from([tuple(sets) for sets, _ in SETS.values()]))
def test_any_bytes_can_be_read(value: bytes, sets: tuple[str, ...]) -> None:
    text, encoding = codec_of(sets).decode(value)
    assert isinstance(text, str)
    encoded = codec_of(sets).encode(text, encoding)
    assert encoded is None or isinstance(encoded, bytes)


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_what_was_decoded_gives_the_same_bytes(text: str) -> None:
    codec, value = codec_of(("ISO_IR 100",)), text.encode("latin-1")
    read, encoding = codec.decode(value)
    assert codec.encode(read, encoding) == value


def test_unknown_character_sets_count_as_the_default() -> None:
    assert codec_of(("NO SUCH SET",)).decode(b"abc \xe9")[0] == "abc é"


def test_an_item_may_have_a_character_set_of_its_own(ct: Make, clean: Clean, through_file: Make) -> None:
    item = Dataset()
    item.SpecificCharacterSet, item.ScheduledProcedureStepDescription = "ISO_IR 144", "грудь Люкс"
    dataset = ct(PatientName="Люкс^Анна", RequestAttributesSequence=[item])
    dataset.SpecificCharacterSet = "ISO_IR 192"
    raw = through_file(dataset)
    clean(raw)
    assert through_file(raw).RequestAttributesSequence[0].ScheduledProcedureStepDescription == "грудь"
