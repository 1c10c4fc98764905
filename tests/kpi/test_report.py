from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser

import matplotlib
import pytest

from deephealth.core.errors import MissingDataError
from deephealth.kpi.recorder import Recorder
from deephealth.kpi.report import write_report

VOID = {"meta", "img", "br", "source", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects elements and complains about tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def sources(self) -> list[str]:
        return [
            value or ""
            for _, attrs in self.elements
            for key, value in attrs.items()
            if key in ("src", "srcset", "href")
        ]


@pytest.fixture(scope="module")
def classes(classification_run) -> str:
    return write_report(classification_run).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def masks(segmentation_run) -> str:
    return write_report(segmentation_run).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["classes", "masks"])
def test_the_page_is_whole_self_contained_and_small(name, request):
    text = request.getfixturevalue(name)
    page = Page(text)
    assert len(text.encode()) < 3_000_000
    assert all(source.startswith(("data:image/", "#")) for source in page.sources())
    assert not any(tag in ("script", "iframe", "object", "link", "form") for tag, _ in page.elements)
    assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)
    assert "url(" not in text
    assert "@import" not in text
    assert "Not for diagnosis" in page.text
    assert all(attrs.get("alt") for tag, attrs in page.elements if tag == "img")


def test_hostile_names_are_shown_as_text(classes, hostile):
    assert hostile not in classes
    assert hostile in Page(classes).text
    for uri in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", classes):
        assert b"<script" not in base64.b64decode(uri)


def test_a_picture_outside_the_run_is_not_opened(classes):
    assert "picture missing" in classes
    assert "climber" in classes


def test_headline_interval_and_baseline_stand_on_top(classes, classification_run):
    metrics = json.loads((classification_run / "evaluation" / "test" / "metrics.json").read_text())
    score = metrics["scores"]["balanced_accuracy"]
    top = Page(classes).text[:700]
    assert f"{score['value']:.3f}" in top
    assert f"95 % interval {score['low']:.3f} to {score['high']:.3f}" in top
    assert "baseline (always the commonest class) 0.143" in top


PARTS_OF_A_CLASSIFICATION = (
    "Confusion",
    "Class by class",
    "ROC, one class",
    "Sensitivity at fixed specificity",
    "Calibration",
    "Leaving unsure cases",
    "Surest mistakes",
    "Surest right answers",
    "mel, bcc, akiec against the rest",
    "Training",
    "CC BY-NC 4.0",
    "Tschandl 2018",
    "Checked: no patient",
    "time of pre-processing images",
    "time to model in production",
    "topi: wall time",
    "image_size: [144, 192]",
    "packages.torch",
)


def test_every_part_of_a_classification_is_there(classes):
    text = Page(classes).text
    for part in PARTS_OF_A_CLASSIFICATION:
        assert part in text, part
    assert classes.count("<picture>") == 5


def test_every_part_of_a_segmentation_is_there(masks):
    text = Page(masks).text
    for part in (
        "Jaccard over images",
        "Area",
        "Worst cases",
        "Best cases",
        "baseline: the whole image",
        "thresholded Jaccard",
    ):
        assert part in text, part
    assert "Confusion" not in text
    assert masks.count("<picture>") == 3


def test_a_run_that_was_not_evaluated_gets_a_report_that_says_so(empty_run):
    text = Page(write_report(empty_run).read_text()).text
    for words in ("Not evaluated yet", "metrics.csv is missing", "split.csv is missing", "kpi.jsonl is missing",
                  "no evaluation yet", "No epoch is recorded", "No split is recorded"):  # fmt: skip
        assert words in text, words


@pytest.fixture
def _no_figures(monkeypatch):
    """Drawing is slow, and not what the test is about."""
    names = ("roc", "reliability", "sensitivity", "abstention", "jaccard", "area")
    monkeypatch.setattr("deephealth.kpi.sections._figures", lambda _: dict.fromkeys(names))
    monkeypatch.setattr("deephealth.kpi.report.training_curves", lambda *_: None)


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.parametrize(
    "name", ["config.yaml", "environment.json", "data.json", "metrics.csv", "split.csv", "kpi.jsonl"]
)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe{[", b"[1, 2", b"a: [b"])
def test_damaged_files_are_named_and_the_rest_is_shown(tmp_path, segmentation_run, name, content):
    run = tmp_path / "run"
    shutil.copytree(segmentation_run, run, ignore=shutil.ignore_patterns("overlays"))
    (run / name).write_bytes(content)
    text = Page(write_report(run).read_text()).text
    assert "Results on the test split" in text


@pytest.mark.usefixtures("_no_figures")
def test_a_leak_is_shouted(tmp_path, segmentation_run):
    run = tmp_path / "run"
    shutil.copytree(segmentation_run, run)
    (run / "split.csv").write_text("id,group,label,split\na,L1,nv,train\nb,L1,nv,test\n")
    assert "1 patients or lesions stand in more than one split, such as L1" in Page(write_report(run).read_text()).text


@pytest.mark.usefixtures("_no_figures")
def test_the_leg_that_writes_the_report_is_not_shown_as_cut_off(tmp_path, segmentation_run):
    run = tmp_path / "run"
    shutil.copytree(segmentation_run, run)
    with Recorder(run / "kpi.jsonl").leg("report"):
        text = Page(write_report(run).read_text()).text
    assert "cut off" not in text


def test_no_run_is_a_typed_error(tmp_path):
    with pytest.raises(MissingDataError):
        write_report(tmp_path)
    with pytest.raises(MissingDataError):
        write_report(tmp_path / "nowhere")


def test_drawing_leaves_the_callers_matplotlib_alone(segmentation_run):
    before = dict(matplotlib.rcParams)
    write_report(segmentation_run)
    assert dict(matplotlib.rcParams) == before
