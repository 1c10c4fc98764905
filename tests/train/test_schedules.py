from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.train.catalogue import SCHEDULES
from deephealth.train.schedules import cosine, one_cycle, step


@given(steps=st.integers(1, 500), name=st.sampled_from(SCHEDULES.names()))
def test_factors_stay_between_zero_and_one(steps: int, name: str) -> None:
    factor = SCHEDULES.get(name)(steps)
    values = [factor(at) for at in range(steps + 1)]  # torch asks once more after the last step
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in values)
    assert max(values[:-1]) > 0.0


@given(steps=st.integers(10, 500), warmup=st.floats(0, 0.5))
def test_cosine_climbs_then_falls(steps: int, warmup: float) -> None:
    factor = cosine(steps, warmup=warmup, floor=0.0)
    values = [factor(at) for at in range(steps)]
    top = values.index(max(values))
    assert values[:top] == sorted(values[:top])
    assert values[top:] == sorted(values[top:], reverse=True)


def test_one_cycle_and_step_end_low() -> None:
    assert one_cycle(100)(100) == pytest.approx(4e-6)
    assert step(100, milestones=(0.2,), gamma=0.5, warmup=0.1)(99) == 0.5
