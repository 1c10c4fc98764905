"""The report of a lake: its counts add up, it stands alone, and it names nobody."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from deephealth.cli.app import app
from deephealth.core.errors import DataError, MissingDataError
from deephealth.lake.actions import Action
from deephealth.lake.check.needles import Needles
from deephealth.lake.check.record import record_path
from deephealth.lake.check.report import write_report
from deephealth.lake.check.report_facts import sum_runs
from deephealth.lake.check.report_words import ACTIONS, OPTIONS, PIXELS
from deephealth.lake.intake.journal import Journal
from deephealth.lake.label_tables import add_table
from deephealth.lake.lake import Lake
from deephealth.lake.profile.options import Option
from deephealth.lake.verifying import verify

VOID = {"meta", "img", "br", "link", "hr", "input"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.links, self.words = list[str](), set[str](), list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "srcset"} and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(_Page(html).words))


def test_it_stands_alone_and_names_nobody(lake, tmp_path):
    verify(lake, workers=1)
    html = write_report(lake, tmp_path / "r.html").read_text(encoding="utf-8")
    page = _Page(html)
    assert not page.open
    assert not page.tags & {"script", "link", "iframe", "object", "form"}
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in page.links)
    assert "url(" not in html
    needles = Needles(lake.vault.all_identifiers())
    assert len(needles) > 10
    assert needles.find(html.encode()) == []
    for word in ("QUIMBY", "WATERSTRADT", "558213", "2041773", str(tmp_path)):
        assert word.lower() not in html.lower()


def test_its_counts_are_those_of_the_journal(lake, tmp_path):
    html = write_report(lake, tmp_path / "r.html").read_text(encoding="utf-8")
    text = _text(html)
    with Journal(lake.folder.journal, create=False) as journal:
        objects = list(journal.published())
    for action in Action:
        number = sum(len(one.boxes) if action is Action.HIDDEN else one.tally[action] for one in objects)
        assert re.search(rf"\b{action} {number:,} {re.escape(ACTIONS[action])}", text), action
    assert "4 objects of fewer than 5 patients released, 0 in quarantine" in text
    assert "Adds up" in text
    assert "In 1 object writing was painted over" in text
    executed = sum(Option.CLEAN_PIXEL.value in one.executed for one in objects)
    assert f"113101 {OPTIONS[Option.CLEAN_PIXEL]} yes {executed} of 4" in text
    assert "Unverified" in text
    assert "pseudonymised" in text
    assert "Art. 4(5)" in text
    assert "yes: every line was proven" in text


def test_pictures_are_shown_only_when_a_verification_vouches_for_them(lake, tmp_path):
    assert "data:image" not in write_report(lake, tmp_path / "a.html").read_text()
    verify(lake, pictures=False, workers=1)
    assert "data:image" not in write_report(lake, tmp_path / "b.html").read_text()
    verify(lake, workers=1)
    html = write_report(lake, tmp_path / "c.html").read_text()
    (uri,) = [link for link in _Page(html).links if link.startswith("data:image")]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")).astype(int)
    orange = (picture[..., 0] > 200) & (picture[..., 2] < 90)
    assert orange.sum() > 100
    assert "data:image" not in write_report(lake, tmp_path / "d.html", samples=0).read_text()
    record = json.loads(record_path(lake.folder).read_text())
    record_path(lake.folder).write_text(json.dumps({**record, "state": "another"}))
    html = write_report(lake, tmp_path / "e.html").read_text()
    assert "data:image" not in html
    assert "Outdated" in html


def test_a_failed_verification_heads_the_report(lake, tmp_path):
    (lake.folder.rawdata / "skin" / "zelda_quimbyfield.txt").write_text("")
    verify(lake, pictures=False, workers=1)
    html = write_report(lake, tmp_path / "r.html").read_text()
    assert "nothing may leave this lake" in _text(html)
    assert "zelda" not in html.lower()


def test_without_the_vault_it_says_what_it_cannot_prove(lake, tmp_path):
    for name in ("vault", "keys"):
        (tmp_path / name).rename(tmp_path / f"{name}-away")
    text = _text(write_report(Lake(lake.folder.root, key=tmp_path / "keys" / "k"), tmp_path / "r.html").read_text())
    assert "Not proven" in text
    assert "the vault is not at hand" in text


def test_a_destroyed_key_makes_it_anonymised(lake, tmp_path):
    lake.destroy("the project ended")
    text = _text(write_report(Lake(lake.folder.root), tmp_path / "r.html").read_text())
    assert "Anonymised: the key is destroyed" in text
    assert "no longer exists here" in text
    assert "yes: every line was proven" in text


def test_a_changed_audit_log_is_told(lake, tmp_path):
    log = next(lake.folder.audit.glob("*.jsonl"))
    log.write_text(log.read_text().replace('"released":4', '"released":3'))
    text = _text(write_report(lake, tmp_path / "r.html").read_text())
    assert "whole no" in text


def test_tables_show_how_much_rows_stand_out(lake, tmp_path):
    rows = [f"P{at},{'FM'[at % 2]},nv" for at in range(20)]
    (tmp_path / "labels.csv").write_text("\n".join(["patient_id,sex,diagnosis", *rows]))
    add_table(lake, tmp_path / "labels.csv", "labels")
    text = _text(write_report(lake, tmp_path / "r.html").read_text())
    assert re.search(r"derivatives/skin/labels/labels.csv 20 \d+ ", text)


def test_names_from_outside_are_escaped(lake, tmp_path):
    with Journal(lake.folder.journal) as journal, journal.transaction() as database:
        database.execute("UPDATE objects SET facts = json_set(facts, '$.modality', '<script>x</script>')")
    html = write_report(lake, tmp_path / "r.html").read_text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_bad_input_is_refused(empty_lake, tmp_path):
    with pytest.raises(DataError, match="13 pictures"):
        write_report(empty_lake, tmp_path / "r.html", samples=13)
    with pytest.raises(MissingDataError):
        write_report(empty_lake, tmp_path / "r.html")


def test_runs_that_do_not_add_up_are_told():
    assert not sum_runs([{"found": 5, "released": 2, "dropped": {"label image": 1}}]).adds_up
    assert sum_runs([]).adds_up


def test_every_word_has_a_meaning():
    assert set(ACTIONS) == set(Action)
    assert set(OPTIONS) == set(Option)
    assert {"kept", "hidden", "none", "unchecked"} == set(PIXELS)


def test_the_commands_verify_and_report(lake, tmp_path):
    where = [
        "--lake",
        str(lake.folder.root),
        "--vault",
        str(tmp_path / "vault"),
        "--vault-key",
        str(tmp_path / "keys" / "k"),
    ]
    done = CliRunner().invoke(app, ["lake", "verify", "--workers", "1", "--others", "1", *where])
    assert done.exit_code == 0, done.output
    assert "passed" in done.output
    assert "pictures read" in done.output
    done = CliRunner().invoke(app, ["lake", "report", "--out", str(tmp_path / "r.html"), *where])
    assert done.exit_code == 0, done.output
    assert "Passed" in (tmp_path / "r.html").read_text()
    side_car = next(lake.folder.rawdata.rglob("*_xc.json"))
    side_car.write_text('{"by": "Zelda Quimbyfield"}')
    done = CliRunner().invoke(app, ["lake", "verify", "--no-pictures", "--workers", "1", "--retract", *where])
    assert done.exit_code == 1
    assert "1 objects are in quarantine now" in done.output
    assert not side_car.exists()
