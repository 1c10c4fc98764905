from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core import errors


def test_an_error_says_what_was_allowed_and_what_to_do():
    text = str(errors.DeepHealthError("the size is 0", allowed="1 or more", hint="set size=1"))
    assert text.splitlines() == ["the size is 0", "  allowed: 1 or more", "  do next: set size=1"]


@pytest.mark.parametrize(
    "name",
    [n for n in errors.__all__ if n[0].isupper() and n not in ("ConfigError", "QuarantineError", "UnknownNameError")],
)
def test_every_error_is_caught_as_deephealth_error(name):
    with pytest.raises(errors.DeepHealthError, match="what"):
        raise getattr(errors, name)("what", hint="next")


def test_a_reason_for_quarantine_comes_back_from_a_worker_whole():
    error = pickle.loads(pickle.dumps(errors.QuarantineError("hostile", "what", allowed="this", hint="that")))
    assert isinstance(error, errors.DataError)
    assert (error.reason, error.what, error.allowed, error.hint) == ("hostile", "what", "this", "that")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.MissingDataError("x"), FileNotFoundError),
        (errors.ConfigError(["x"]), ValueError),
        (errors.UnknownNameError("model", "x", []), KeyError),
        (errors.OptionalDependencyError("x"), ImportError),
        (errors.NonFiniteLossError("x"), ArithmeticError),
        (errors.StorageError("x"), OSError),
        (errors.Interrupted("x"), KeyboardInterrupt),
    ],
)
def test_errors_are_also_the_builtin_that_python_code_expects(error, builtin):
    assert isinstance(error, builtin)


def test_a_config_error_lists_all_problems():
    error = errors.ConfigError(["a.b: wrong", "c: missing"], source="my.yaml")
    assert "2 mistakes in my.yaml" in str(error)
    assert "a.b: wrong" in str(error)
    assert "c: missing" in str(error)


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=10), max_size=30))
def test_did_you_mean_never_fails_and_suggests_only_known_words(word, known):
    hint = errors.did_you_mean(word, known)
    assert hint
    if word in known:
        assert hint.startswith("did you mean")
