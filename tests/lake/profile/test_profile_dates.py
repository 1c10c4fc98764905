"""Dates, date-times and ages."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deephealth.lake.actions import Action
from deephealth.lake.profile.dates import capped_age, dates_in, shifted_date, shifted_datetime
from deephealth.lake.pseudonyms import Pseudonyms

DATES = st.dates(datetime.date(1850, 1, 1), datetime.date(2100, 12, 31))
DAYS = st.integers(-3653, -366)


def text(date: datetime.date) -> str:
    return date.strftime("%Y%m%d")


@given(DATES, DAYS)
def test_a_date_moves_by_the_days(date: datetime.date, days: int) -> None:
    assert shifted_date(text(date), days) == text(date + datetime.timedelta(days=days))


@given(DATES, DATES, DAYS)
def test_intervals_stay(first: datetime.date, second: datetime.date, days: int) -> None:
    moved = [datetime.datetime.strptime(shifted_date(text(d), days), "%Y%m%d").date() for d in (first, second)]
    assert moved[1] - moved[0] == second - first


@given(DATES, DAYS, st.times(), st.sampled_from(["", "+0100", "-0330", "+0000"]))
def test_time_fraction_and_zone_stay(date: datetime.date, days: int, time: datetime.time, zone: str) -> None:
    rest = time.strftime("%H%M%S.%f") + zone
    assert shifted_datetime(text(date) + rest, days) == shifted_date(text(date), days) + rest


@given(st.text(max_size=30), DAYS)
def test_garbage_is_none_or_a_date_never_an_error(garbage: str, days: int) -> None:
    for moved in (shifted_date(garbage, days), shifted_datetime(garbage, days)):
        assert moved is None or moved[:4].isdigit() or moved.startswith("-")


@pytest.mark.parametrize(
    ("date", "days", "moved"),
    [
        ("20200229", -366, "20190228"),
        ("20210228", -365, "20200229"),
        ("19000101", -366, "18981231"),
        ("1999.12.31", 1, "20000101"),
        ("1999-12-31", 1, "20000101"),
        ("1999:12:31", 1, "20000101"),
        (" 19991231 ", 1, "20000101"),
        ("19991231\0", 1, "20000101"),
        ("20200101-20200131", 1, "20200102-20200201"),
        ("20200101-", 1, "20200102-"),
        ("-20200131", 1, "-20200201"),
        ("00010101", -366, None),
        ("00000000", -366, None),
        ("20201301", -366, None),
        ("20210229", -366, None),
        ("31.12.2020", -366, None),
        ("202001", -366, None),
        ("SMITH", -366, None),
        ("-", -366, None),
    ],
)
def test_dates_by_hand(date: str, days: int, moved: str | None) -> None:
    assert shifted_date(date, days) == moved


@pytest.mark.parametrize(
    ("value", "days", "moved"),
    [
        ("20200229", -366, "20190228"),
        ("2020022912", 1, "2020030112"),
        ("202002291230", 1, "202003011230"),
        ("20200229123045.5", 1, "20200301123045.5"),
        ("20200229123045-0500", 1, "20200301123045-0500"),
        ("2020-02-29T12:30:45Z", 1, "20200301123045+0000"),
        ("202002", -366, "201901"),
        ("2020", -366, "2018"),
        ("20200229999999999999", 1, None),
        ("2020022912304", 1, None),
        ("20200230", 1, None),
    ],
)
def test_datetimes_by_hand(value: str, days: int, moved: str | None) -> None:
    assert shifted_datetime(value, days) == moved


def test_dates_in_a_value() -> None:
    assert dates_in("20200229\\20200301") == ["20200229", "20200301"]
    assert dates_in("00000000\\x") == []


@given(st.integers(0, 999), st.sampled_from("DWMY"))
def test_nobody_is_older_than_89(count: int, unit: str) -> None:
    years = count * {"D": 1 / 365.2425, "W": 7 / 365.2425, "M": 1 / 12, "Y": 1}[unit]
    assert capped_age(f"{count:03d}{unit}") == ("090Y" if years >= 90 else f"{count:03d}{unit}")


@pytest.mark.parametrize(
    ("age", "capped"),
    [
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("120Y", "090Y"),
        ("1080M", "090Y"),
        ("4748W", "090Y"),
        ("95", "090Y"),
        ("45", "45"),
        ("45Y", "45Y"),
        ("045y", "045y"),
        (" 100Y", "090Y"),
        ("Y", None),
        ("forty", None),
        ("-5Y", None),
        ("045Y DOE", None),
    ],
)
def test_ages_by_hand(age: str, capped: str | None) -> None:
    assert capped_age(age) == capped


def test_dates_in_a_header(
    ct: Callable[..., Dataset], clean: Callable[..., object], through_file: Callable[..., Dataset], names: Pseudonyms
) -> None:
    days = names.shift_days("4711-X")
    dataset = ct(
        PatientBirthDate="19000101",
        StudyDate="20200229",
        SeriesDate="garbage",
        StudyTime="121314.5",
        AcquisitionDateTime="20200301121314.123456+0100",
        DateOfLastCalibration=["20200101", "20200102"],
        TimezoneOffsetFromUTC="+0100",
        PatientAge="095Y",
    )
    dataset.add_new(0x00182030, "DA", "")
    raw = through_file(dataset)
    outcome = clean(raw)
    assert raw.PatientBirthDate == ""
    assert raw.StudyDate == shifted_date("20200229", days)
    assert raw.SeriesDate == ""
    assert raw.StudyTime == "121314.5"
    assert raw.AcquisitionDateTime == shifted_datetime("20200301121314.123456+0100", days)
    assert list(raw.DateOfLastCalibration) == [shifted_date("20200101", days), shifted_date("20200102", days)]
    assert raw.TimezoneOffsetFromUTC == "+0100"
    assert raw.PatientAge == "090Y"
    assert outcome.by_tag[0x00080020] is Action.SHIFTED
    assert outcome.by_tag[0x00080021] is Action.EMPTIED
    assert outcome.by_tag[0x00101010] is Action.CAPPED
