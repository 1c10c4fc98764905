"""The Tensor class has every name of the original's documented and compiled classes, callable as it was called."""

from __future__ import annotations

import doctest
import inspect
import json
from pathlib import Path

import pytest

from deephealth.eddl.tensor import Tensor

SURFACE = json.loads((Path(__file__).parent / "surface.json").read_text(encoding="utf-8"))
INSTANCE = list(SURFACE["instance"].items())
STATIC = list(SURFACE["static"].items())


def accepts(function, count: int) -> bool:
    """Say whether ``function`` can be called with ``count`` arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(("name", "counts"), INSTANCE, ids=[name for name, _ in INSTANCE])
def test_instance_method_takes_the_original_number_of_arguments(name, counts):
    assert [count for count in counts if not accepts(getattr(Tensor([1]), name), count)] == []


@pytest.mark.parametrize(("name", "counts"), INSTANCE, ids=[name for name, _ in INSTANCE])
def test_instance_method_may_be_called_on_the_class(name, counts):
    assert [count for count in counts if not accepts(getattr(Tensor, name), count + 1)] == []


@pytest.mark.parametrize(("name", "counts"), STATIC, ids=[name for name, _ in STATIC])
def test_static_method_takes_the_original_number_of_arguments(name, counts):
    assert [count for count in counts if not accepts(getattr(Tensor, name), count)] == []


def test_the_list_is_the_whole_surface():
    documented_and_core = 168 - 1  # without the constructor
    assert len(SURFACE["instance"]) >= documented_and_core
    assert len(SURFACE["static"]) >= 124


@pytest.mark.parametrize("name", SURFACE["attributes"])
def test_attribute(name):
    assert getattr(Tensor([2, 3]), name) is not None


def test_every_public_method_is_documented():
    methods = [name for name in dir(Tensor) if not name.startswith("_") and callable(getattr(Tensor, name))]
    assert [name for name in methods if not getattr(Tensor, name).__doc__] == []


def test_the_examples_of_all_methods_run():
    runner, parser = doctest.DocTestRunner(verbose=False), doctest.DocTestParser()
    for name in dir(Tensor):
        text = getattr(getattr(Tensor, name), "__doc__", None)
        if not name.startswith("__") and text:
            runner.run(parser.get_doctest(text, {}, name, None, 0))
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 300


def test_generated_methods_show_their_arguments_by_name():
    assert list(inspect.signature(Tensor.clamp).parameters) == ["self", "min", "max"]
    assert list(inspect.signature(Tensor.static_sign).parameters) == ["A", "B", "zero_sign"]
