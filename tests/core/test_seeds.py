from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.seeds import counter_seed

KEYS = st.tuples(st.integers(0, 2**32), st.integers(0, 10_000), st.text(max_size=20))


@given(KEYS)
def test_a_seed_depends_on_its_key_alone(key):
    assert counter_seed(*key) == counter_seed(*key)
    assert 0 <= counter_seed(*key) < 2**63


@given(st.lists(KEYS, min_size=2, max_size=50, unique=True))
def test_different_keys_give_different_seeds(keys):
    assert len({counter_seed(*key) for key in keys}) == len(keys)


def test_parts_do_not_run_together():
    assert counter_seed("a", "bc") != counter_seed("ab", "c")
    assert counter_seed(1) != counter_seed("1")
