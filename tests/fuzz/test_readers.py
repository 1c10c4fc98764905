"""Some seconds of damaged files for each format; the full run is ``make fuzz``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import Fuzzer
from tests.fuzz.mutations import mutate, mutate_text
from tests.fuzz.seeds import FORMATS

SECONDS = float(os.environ.get("DEEPHEALTH_FUZZ_SECONDS", "12"))


@pytest.fixture
def fuzzer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fuzzer]:
    with Fuzzer(request.param, keep=tmp_path) as made:  # pytest leaves the files of the last runs where they are
        yield made


@pytest.mark.parametrize("fuzzer", list(FORMATS), indirect=True)
def test_no_damage_gets_past_the_typed_errors(fuzzer: Fuzzer) -> None:
    over = time.monotonic() + SECONDS

    # every example is a file of its own: shrinking would cost more than the budget
    @settings(
        max_examples=4000,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def damaged_files(random: Random) -> None:
        if time.monotonic() < over:
            found = fuzzer.check(*fuzzer.damaged(random))
            assert found is None, str(found)

    damaged_files()
    assert sum(fuzzer.counts.values()) >= 10
    assert fuzzer.readable >= len(fuzzer.seeds) * 0.6, "the seeds themselves can't be read"


@given(st.randoms(use_true_random=True), st.binary(max_size=300), st.sampled_from([*FORMATS, "text"]))
def test_any_bytes_can_be_damaged(random: Random, data: bytes, kind: str) -> None:
    mutate(random, data, kind, others=(data[::-1],))
    mutate_text(random, data)


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_same_seed_makes_the_same_file(name: str) -> None:
    with Fuzzer(name) as fuzzer:
        made = [fuzzer.damaged(Random("x")) for _ in range(2)]
        assert made[0] == made[1]
        damaged = [fuzzer.damaged(Random(number))[1] for number in range(40)]
        assert len({*damaged} - {*fuzzer.seeds}) > 20


@pytest.mark.parametrize(
    ("reader", "kind"),
    [("crash", "crash"), ("hang", "hang"), ("eat", "memory"), ("mask", "memory"), ("raw", "untyped")],
)
def test_what_must_not_happen_is_noticed(monkeypatch: pytest.MonkeyPatch, reader: str, kind: str) -> None:
    monkeypatch.setattr("tests.fuzz.harness.TIMEOUT_S", 1.0)
    with Fuzzer("augmentation") as fuzzer:
        fuzzer.readers = f"bad: {reader}"
        found = fuzzer.check("a.txt", b"x")
    assert found is not None
    assert found.kind == kind
