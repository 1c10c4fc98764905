"""A small part of the benchmark in scripts/bench/deid/burned_in.py: rendered text goes, pictures without it stay."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
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
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPT.parent))
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
    figures = bench.main(["--cases", "5", "--clean", "8"])
    assert figures["text"]["lines"] >= 5
    assert figures["text"]["leaked"] == 0
    assert figures["text_free"]["painted"]["count"] == 0
    assert figures["errors"] == 0


def row(number: int, status: str, left: list[float], read: list[bool], **more: Any) -> dict[str, Any]:
    shared = {"wanted": "text", "kind": "grid", "note": "12px", "changed": status == "hidden", "seconds": 1.0}
    turned = ["", "5.1 degrees", "90 degrees"][: len(left)]
    return {**shared, "number": number, "status": status, "left": left, "read": read, "turned": turned, **more}


def test_what_is_in_quarantine_is_neither_hidden_nor_leaked(bench: ModuleType) -> None:
    rows = [
        row(0, "hidden", [0.0, 0.02, 0.021], [False, False, False]),
        row(1, "hidden", [0.0], [True]),
        row(2, "doubtful", [0.0, 0.5], [False, True]),
        row(3, "kept", [1.0], [False]),
        row(4, "error", [1.0], [False]),
        row(5, "doubtful", [], [], wanted="clean"),
        row(6, "hidden", [], [], wanted="clean"),
    ]
    figures = bench.summary(rows)
    text, clean = figures["text"], figures["text_free"]
    assert (text["lines"], text["hidden"], text["leaked"], text["quarantined"]) == (8, 2, 4, 2)
    assert text["recall_of_all_lines"]["share"] == 0.25
    assert text["recall_of_lines_let_through"]["share"] == pytest.approx(2 / 6, abs=1e-5)
    assert text["cases_that_leak"] == [0, 1, 3, 4]
    assert text["by_turn"]["quarter turn"] == {"leaked": 1}
    assert (clean["painted"]["count"], clean["quarantined"]["count"], figures["errors"]) == (1, 1, 1)


def test_a_stopped_run_goes_on_where_it_was(bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, int]] = []

    def run(wanted: str, number: int, _: str) -> dict[str, Any]:
        done.append((wanted, number))
        lines = ([0.0], [False]) if wanted == "text" else ([], [])
        return row(number, "hidden" if wanted == "text" else "kept", *lines, wanted=wanted)

    monkeypatch.setattr(bench, "_run", run)
    results = tmp_path / "results.jsonl"
    bench.main(["--cases", "3", "--clean", "2", "--results", str(results)])
    assert len(done) == 5
    results.write_text(results.read_text()[:-20])  # stopped in the middle of the last line
    done.clear()
    figures = bench.main(["--cases", "4", "--clean", "2", "--results", str(results)])
    assert done == [("text", 2), ("text", 3)]
    assert (figures["text"]["cases"], figures["text_free"]["cases"]) == (4, 2)
    assert bench.main(["--cases", "4", "--clean", "2", "--results", str(results)]) == figures
    assert len(done) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_that_was_cut_off_is_completed_along_its_direction(turned: bool) -> None:
    import cv2

    from deephealth.lake.pixels.complete import extended

    picture = np.zeros((80, 400), np.uint8)
    picture[::10] = picture[:, ::10] = 70  # a grid under the letters, as in case 3088
    plain = picture.copy()
    cv2.putText(picture, "SMITH DOE", (100, 50), 0, 1, 255, 2)
    strokes = picture > plain
    box = (150, 20, 200, 58)
    if turned:
        picture, strokes, box = picture.T, strokes.T, (20, 150, 58, 200)
    painted = np.zeros(picture.shape, bool)
    for x0, y0, x1, y1 in [box, *extended(picture, box)]:
        painted[y0:y1, x0:x1] = True
    assert not (strokes & ~painted).any()
    assert painted.mean() < 0.4


def test_a_line_ends_where_no_stroke_follows() -> None:
    from deephealth.lake.pixels.complete import extended

    picture = np.zeros((80, 400), np.uint8)
    picture[30:45, 100:160:6] = 255
    picture[30:45, 250:256] = 255
    assert extended(picture, (96, 25, 162, 50)) == []


def test_what_lies_between_two_pieces_of_a_tilted_line_goes_too() -> None:
    from deephealth.lake.pixels.complete import gaps_between

    # The boxes of case 3007; the third stands elsewhere.
    boxes = [(74, 47, 424, 128), (461, 46, 516, 88), (234, 600, 432, 628)]
    assert gaps_between(boxes) == [(423, 46, 462, 128)]


@pytest.mark.parametrize("text", ["O", "C", "0", "I"])
def test_a_single_ring_or_bar_is_no_writing(text: str) -> None:
    from deephealth.lake.pixels.policy import Verdict, judge

    assert judge(text, 0.99) is not Verdict.WRITING


def test_tiles_cover_the_picture_and_are_no_larger_than_needed() -> None:
    from deephealth.lake.pixels.reader import LARGEST, _tiles

    picture = np.zeros((1440, 1920), np.uint8)
    tiles = _tiles(picture)
    seen = np.zeros(picture.shape, int)
    for top, left, tile in tiles:
        assert tile.size <= LARGEST
        seen[top : top + tile.shape[0], left : left + tile.shape[1]] += 1
    assert seen.min() >= 1
    assert sum(tile.size for *_, tile in tiles) < 1.3 * picture.size
