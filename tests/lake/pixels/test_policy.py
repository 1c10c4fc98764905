"""Which writing may stay."""

from __future__ import annotations

import pytest

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.policy import Verdict, judge


@pytest.mark.parametrize("text", ["R", "L", "AP", "PA erect", "10 cm", "120kV", "5.5", "LAO 30", "R CC", "3.5MHz"])
def test_marks_stay(text: str) -> None:
    assert judge(text, 0.95) is Verdict.HARMLESS


@pytest.mark.parametrize(
    "text", ["DOE^JANE", "DOB 1960-01-02", "1960-01-02", "4711123", "Dr. Rossi", "St Mary Hospital", "03/04/1971"]
)  # fmt: skip
def test_all_else_goes(text: str) -> None:
    assert judge(text, 0.95) is Verdict.WRITING


@pytest.mark.parametrize(
    ("text", "score"), [("", 0.9), ("--", 0.9), ("iii", 0.5), ("一", 0.8), ("xq", 0.4), ("0000", 0.9)]
)
def test_anatomy_reads_as_nothing(text: str, score: float) -> None:
    assert judge(text, score) is Verdict.NOTHING


def test_the_patients_own_identifiers_go_however_unsure_the_reading() -> None:
    known = Identifiers.of(names=["AP^LAT^ROE"], numbers=["120-55"])
    assert judge("R0E roe", 0.2, known) is Verdict.WRITING
    assert judge("120 55", 0.2, known) is Verdict.WRITING
    assert judge("AP", 0.9, known) is Verdict.HARMLESS


@pytest.mark.parametrize("text", ["980-02-15", "15/02/80", "01.04.67", "02-15", "206--027"])
def test_what_may_be_a_date_is_no_scale(text: str) -> None:
    assert judge(text, 0.99) is Verdict.WRITING


@pytest.mark.parametrize("text", ["IIIII", "OOOC", "mui"])
def test_bars_and_discs_read_as_letters_are_no_writing(text: str) -> None:
    assert judge(text, 0.8) is Verdict.NOTHING
