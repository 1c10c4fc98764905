"""A small part of the benchmark in scripts/bench/deid/burned_in.py: rendered text goes, pictures without it stay."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("rapidocr")
pytest.importorskip("matplotlib")

SCRIPT = Path(__file__).parents[3] / "scripts" / "bench" / "deid" / "burned_in.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("burned_in", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["burned_in"] = module
    spec.loader.exec_module(module)
    return module


def test_rendered_text_is_found_by_the_screen(bench: ModuleType) -> None:
    from deephealth.lake.pixels.finder import grey_of
    from deephealth.lake.pixels.screen import hot_zones

    scenes = [bench.text_scene(number) for number in range(60)]
    missed = [scene.number for scene in scenes if scene.lines and not hot_zones(grey_of(scene.pixels), 1.0)]
    assert len(missed) <= 1


def test_the_same_number_gives_the_same_case(bench: ModuleType) -> None:
    first, again = bench.text_scene(7), bench.text_scene(7)
    assert (first.pixels == again.pixels).all()
    assert first.lines[0].text == again.lines[0].text


def test_text_is_hidden_and_pictures_without_it_are_kept(bench: ModuleType) -> None:
    figures = bench.main(["--cases", "8", "--clean", "16"])
    assert figures["lines_hidden_or_quarantined"] == 1.0
    assert figures["false_blanking"] == 0.0
