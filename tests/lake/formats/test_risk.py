"""k-anonymity and l-diversity against counts by hand and against pandas."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.lake.formats.columns import Role
from deephealth.lake.formats.context import RiskPolicy
from deephealth.lake.formats.risk import (
    Record,
    assess,
    choose_levels,
    generalised,
    group_of,
    suppress_small_cells,
)


def test_by_hand():
    # (47677, 29, 2*) ... the table of Machanavajjhala et al. with its three groups of four, already generalised
    rows = [("1305", "<30", d) for d in ("heart", "heart", "viral", "viral")]
    rows += [("1485", ">=40", d) for d in ("cancer", "heart", "viral", "viral")]
    rows += [("1305", "3*", d) for d in ("cancer",) * 4]
    records = [Record(n, row[:2], row[2]) for n, row in enumerate(rows)]
    report, failing, dropped = assess(records, [Role.QUASI, Role.QUASI], [0, 0], RiskPolicy(k=4))
    assert (report.patients, report.k_before, report.k, report.l, report.groups) == (12, 4, 4, 1, 3)
    assert report.entropy_l == 1.0
    assert (failing, dropped) == (frozenset(), False)
    report, failing, dropped = assess(records, [Role.QUASI, Role.QUASI], [0, 0], RiskPolicy(k=4, l=2))
    assert (failing, dropped, report.dropped) == ({("1305", "3*")}, True, 4)  # alone they are still all cancer
    report, *_ = assess(records[:8], [Role.QUASI, Role.QUASI], [0, 0], RiskPolicy(k=4, l=2))
    assert (report.l, report.entropy_l) == (2, round(math.exp(math.log(2)), 6))


def test_patients_are_counted_not_rows():
    records = [Record("one", ("44", "F"))] * 9 + [Record(n, ("50", "M")) for n in range(5)]
    report, failing, dropped = assess(records, [Role.AGE, Role.SEX], [0, 0], RiskPolicy(k=5))
    assert (report.k_before, report.alone_before, failing, dropped) == (1, 1, {("44", "F")}, True)
    assert report.k == 5


people = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 110).map(str), st.sampled_from("MF"), st.sampled_from("abc")),
    min_size=1,
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(people, st.integers(1, 6), st.integers(1, 2))
def test_what_is_released_is_k_anonymous(rows, k, diversity):
    pandas = pytest.importorskip("pandas")
    policy, roles = RiskPolicy(k=k, l=diversity), [Role.AGE, Role.SEX]
    records = [Record(patient, (age, sex), dx) for patient, age, sex, dx in rows]
    levels = choose_levels(records, roles, policy)
    report, failing, dropped = assess(records, roles, levels, policy)
    out = []
    for record in records:
        group = group_of(record.quasi, roles, levels)
        if group not in failing or not dropped:
            out.append((record.patient, *(["*", "*"] if group in failing else group), record.sensitive))
    if not out:
        return
    frame = pandas.DataFrame(out, columns=["patient", "age", "sex", "dx"])
    sizes = frame.groupby(["age", "sex"]).agg({"patient": "nunique", "dx": "nunique"})
    assert sizes["patient"].min() == report.k
    assert sizes["patient"].min() >= k
    assert sizes["dx"].min() == report.l
    assert not any(value.isdigit() and int(value) >= 90 for value in frame["age"])


@given(st.integers(0, 130), st.integers(0, 4))
def test_age_bands_nest_and_contain(age, level):
    band = generalised(str(age), Role.AGE, level)
    if age >= 90 and level < 4:
        assert band == "90+"
    elif "-" in band:
        low, high = map(int, band.split("-"))
        assert low <= age <= high


def test_ages_as_people_write_them():
    cells = ("045Y", "45.5", "45 years", "7 months", "unknown")
    assert [generalised(cell, Role.AGE, 0) for cell in cells] == ["45", "45", "45", "0", ""]
    assert generalised("SW1A 1AA", Role.POSTCODE, 0) == "SW1"


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 60), max_size=8), st.integers(2, 9))
def test_small_cells_cannot_be_computed(counts, k):
    shown = suppress_small_cells(counts, k)
    hidden = [key for key, text in shown.items() if text.startswith("<")]
    assert all(shown[key].startswith("<") for key, count in counts.items() if 0 < count < k)
    if hidden and sum(count > 0 for count in counts.values()) > 1:
        assert len(hidden) >= 2  # else the total gives the one away


def test_policy_is_checked():
    with pytest.raises(DataError):
        RiskPolicy(k=0)
