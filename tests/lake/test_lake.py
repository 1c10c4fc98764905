"""The lake as its steward sees it: made, found, filled, searched, given out, emptied, destroyed; all of it recorded."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deephealth.cli.app import app
from deephealth.core.errors import DataError, MissingDataError, VaultError
from deephealth.lake.arranging import arrange_lake
from deephealth.lake.catalogue.query import find
from deephealth.lake.cohorts import make_verified_cohort
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.quarantine import Quarantine
from deephealth.lake.label_tables import add_table
from deephealth.lake.lake import Lake
from deephealth.lake.overview import overview
from deephealth.lake.retracting import retract_findings
from deephealth.lake.settings import LakeSettings
from deephealth.lake.vault.consent import Consent, ConsentBook
from deephealth.lake.vault.keys import write_key_file
from deephealth.lake.verifying import require_verified, verify
from deephealth.lake.withdrawing import withdraw
from tests.lake.originals import everything, intake, original, released

TODAY = datetime.date.today()
DAY = datetime.timedelta(days=1)


def make(root: Path, **settings: object) -> Lake:
    return Lake.create(
        root / "lake",
        LakeSettings("skin", **settings),  # type: ignore[arg-type]
        vault=str(root / "vault" / "skin.vault"),
        key_file=root / "keys" / "skin.key",
    )


def kinds(lake: Lake) -> Counter[str]:
    """Count the audit's events by kind; the chain must be whole whenever somebody looks."""
    assert lake.log.verify().ok
    return Counter(event["kind"] for event in lake.log.events())


def names_in_quarantine(lake: Lake) -> list[str]:
    with Journal(lake.folder.journal, create=False) as journal:
        return [entry.name for entry in Quarantine(lake.folder, journal).entries()]


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["lake", *map(str, words)])
    assert result.exit_code == code, f"{words}\n{result.output}\n{result.exception!r}"
    return result.output


def test_a_lake_is_found_by_its_name_by_the_environment_and_by_the_current_folder(
    empty_lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    root = empty_lake.folder.root
    monkeypatch.delenv("DEEPHEALTH_LAKE", raising=False)
    assert Lake.find(root).settings == empty_lake.settings
    monkeypatch.chdir(empty_lake.folder.rawdata)
    assert Lake.find().folder.root == root
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDataError, match="there is no lake"):
        Lake.find()
    monkeypatch.setenv("DEEPHEALTH_LAKE", str(root))
    assert Lake.find().folder.root == root
    assert Lake.find().vault.project == "skin"
    monkeypatch.setenv("DEEPHEALTH_LAKE", str(tmp_path / "elsewhere"))
    with pytest.raises(MissingDataError, match="elsewhere"):
        Lake.find()


def test_the_vault_is_found_by_the_environment_when_the_lake_was_copied(
    empty_lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    local = empty_lake.folder.state / "local.json"
    known = json.loads(local.read_text())
    local.unlink()
    with pytest.raises(VaultError, match="not known on this machine"):
        _ = Lake(empty_lake.folder.root).vault
    monkeypatch.setenv("DEEPHEALTH_VAULT", known["vault"])
    monkeypatch.setenv("DEEPHEALTH_VAULT_KEY", known["key"])
    assert Lake(empty_lake.folder.root).pseudonyms.subject("1") == empty_lake.pseudonyms.subject("1")


def test_a_folder_that_holds_something_does_not_become_a_lake(tmp_path: Path):
    original(tmp_path / "lake" / "a.dcm")
    with pytest.raises(DataError, match="not empty"):
        make(tmp_path)


def test_what_is_taken_in_is_released_under_a_pseudonym_and_a_second_time_a_duplicate(empty_lake: Lake, tmp_path: Path):
    for at in (1, 2):
        original(tmp_path / "in" / f"{at}.dcm", at=at)
    report = intake(empty_lake, tmp_path / "in")
    assert (report.found, report.released, report.subjects) == (2, 2, 1)
    subject = empty_lake.pseudonyms.subject("4711")
    assert {str(one.PatientID) for one in released(empty_lake)} == {subject}
    assert empty_lake.vault.reidentify(subject, reason="test").patient == "4711"
    again = intake(empty_lake, tmp_path / "in")
    assert (again.found, again.released, again.duplicates) == (2, 0, 2)


def test_consent_that_is_required_is_asked_for_on_the_day_for_the_purpose(tmp_path: Path):
    lake, today = make(tmp_path, consent="required"), datetime.date.today()
    book = ConsentBook(lake.vault)
    for patient in ("none", "valid", "expired", "other", "future"):
        original(tmp_path / "in" / f"{patient}.dcm", patient)

    def say(patient: str, scope: str = "research", given: int = -10, expires: int | None = None) -> None:
        until = None if expires is None else today + expires * DAY
        book.record(Consent(patient, frozenset({scope}), "1", today + given * DAY, until))

    say("valid", expires=0)
    say("expired", expires=-1)
    say("other", scope="quality")
    say("future", given=1)
    report = intake(lake, tmp_path / "in")
    assert (report.released, report.quarantined) == (1, Counter({"no-consent": 4}))
    assert [str(one.PatientID) for one in released(lake)] == [lake.pseudonyms.subject("valid")]
    say("other")
    report = intake(lake, tmp_path / "in")
    assert (report.released, report.duplicates, report.quarantined) == (1, 1, Counter({"no-consent": 3}))
    assert len(names_in_quarantine(lake)) == 3  # the one that was released has left


@pytest.mark.parametrize("consent", ["opt-out", "required"])
def test_who_withdraws_is_gone_and_is_not_taken_in_again(tmp_path: Path, consent: str):
    lake = make(tmp_path, consent=consent)
    for patient in ("4711", "4712"):
        if consent == "required":
            ConsentBook(lake.vault).record(Consent(patient, frozenset({"research"}), "1", TODAY - DAY))
        original(tmp_path / "in" / f"{patient}.dcm", patient)
    assert intake(lake, tmp_path / "in").released == 2
    arrange_lake(lake, "skin")
    gone, stays = (lake.pseudonyms.subject(patient) for patient in ("4711", "4712"))
    removal = withdraw(lake, "4711")
    assert removal.is_proven
    assert removal.files > 0
    left = everything(lake.folder.rawdata) | everything(lake.folder.catalogue)
    assert not any(gone in name or gone.encode() in content for name, content in left.items())
    assert any(stays in name for name in left)
    assert lake.vault.identifiers("4711") == lake.vault.identifiers("never seen")
    report = intake(lake, tmp_path / "in")
    assert (report.released, report.duplicates, report.quarantined) == (0, 1, Counter({"no-consent": 1}))
    assert kinds(lake)["withdrawal"] >= 2


def test_nothing_leaves_a_lake_that_was_not_verified_or_changed_since(empty_lake: Lake, tmp_path: Path):
    for number in range(6):
        original(tmp_path / "in" / f"{number}.dcm", f"P{number}")
    intake(empty_lake, tmp_path / "in")
    arrange_lake(empty_lake, "skin")

    def ask(name: str) -> None:
        make_verified_cohort(empty_lake, "modality=CT", name=name, labels="sex")

    with pytest.raises(DataError, match="never verified"):
        ask("early")
    assert verify(empty_lake, pictures=False, workers=1).passed
    require_verified(empty_lake)
    assert find(empty_lake.folder, "modality=CT").subjects == 6
    original(tmp_path / "in" / "later.dcm", "P9")
    intake(empty_lake, tmp_path / "in")
    with pytest.raises(DataError, match="since the lake was last verified"):
        ask("late")
    (empty_lake.folder.rawdata / "skin" / "notes.txt").write_text("ZWINGLI URSINAP9 was here")
    assert not verify(empty_lake, pictures=False, workers=1).passed
    with pytest.raises(DataError, match="did not pass"):
        ask("leaky")
    assert not list(empty_lake.folder.derivatives.iterdir())


def test_what_leaks_is_taken_back_and_only_a_new_verification_opens_the_lake(empty_lake: Lake, tmp_path: Path):
    original(tmp_path / "in" / "a.dcm", "4711")
    intake(empty_lake, tmp_path / "in")
    arrange_lake(empty_lake, "skin")
    (path,) = empty_lake.folder.rawdata.rglob("*.dcm")
    path.write_bytes(path.read_bytes() + b"ZWINGLI URSINA4711")
    done = verify(empty_lake, pictures=False, workers=1)
    assert not done.passed
    assert retract_findings(empty_lake, done.findings).objects == 1
    assert released(empty_lake) == []
    assert overview(empty_lake)["quarantine"] == {"identifier-left": 1}
    assert verify(empty_lake, pictures=False, workers=1).passed


def test_a_destroyed_project_is_anonymised_and_its_log_can_still_be_proven(empty_lake: Lake, tmp_path: Path):
    original(tmp_path / "in" / "a.dcm")
    intake(empty_lake, tmp_path / "in")
    subject = empty_lake.pseudonyms.subject("4711")
    with pytest.raises(VaultError):
        empty_lake.destroy("")
    assert not empty_lake.anonymised
    empty_lake.destroy("end of the study")
    lake = Lake(empty_lake.folder.root)
    assert lake.anonymised
    assert overview(lake)["anonymised"] is True
    assert kinds(lake)["destroy"] == 1
    for action in (lambda: lake.vault.reidentify(subject, reason="too late"), lambda: intake(lake, tmp_path / "in")):
        with pytest.raises(VaultError, match="destroyed"):
            action()
    assert len(released(lake)) == 1


def test_another_key_of_the_vault_keeps_the_pseudonyms(empty_lake: Lake, tmp_path: Path):
    before, old = empty_lake.pseudonyms.subject("4711"), Path(empty_lake.key_place)
    new = tmp_path / "second" / "skin.key"
    write_key_file(new)
    empty_lake.vault.rotate(new)
    empty_lake.remember_key(new)
    lake = Lake(empty_lake.folder.root)
    assert lake.pseudonyms.subject("4711") == before
    assert kinds(lake)["rotate"] == 1
    with pytest.raises(VaultError):
        _ = Lake(empty_lake.folder.root, key=old).vault


def test_a_label_table_comes_in_under_pseudonyms(empty_lake: Lake, tmp_path: Path):
    table = tmp_path / "labels.csv"
    rows = [f"P{number},ZWINGLI URSINA{number},{'benign' if number % 2 else 'malignant'}" for number in range(12)]
    table.write_text("patient_id,patient_name,diagnosis\n" + "\n".join(rows) + "\n")
    target, outcome = add_table(empty_lake, table, "labels")
    text = target.read_text()
    assert outcome.facts["table_rows"] == 12
    assert target.is_relative_to(empty_lake.folder.derivatives)
    assert "ZWINGLI" not in text
    assert all(empty_lake.pseudonyms.subject(f"P{number}") in text for number in range(12))
    assert text.count("malignant") == 6
    for name in ("../labels", "a/b", "", ".", "-"):
        with pytest.raises(DataError, match="can't name a table"):
            add_table(empty_lake, table, name)


def test_every_command_leaves_its_line_in_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Through the command line, from making the lake to its end: no action without a line, and the chain whole."""
    lake, source = tmp_path / "lake", tmp_path / "in"
    for number in range(6):
        original(source / f"{number}.dcm", f"P{number}")
    (source / "notes.xyz").write_text("ZWINGLI")
    monkeypatch.setenv("DEEPHEALTH_LAKE", str(lake))
    seen: Counter[str] = Counter()

    def expect(words: list[object], **expected: int) -> str:
        nonlocal seen
        said = run(*words)
        now = kinds(Lake(lake))
        assert now - seen >= Counter(expected), f"{words}: {now - seen}"
        assert expected or now == seen, f"{words} changed nothing and was recorded: {now - seen}"
        seen = now
        return said

    vault, key = tmp_path / "vault" / "skin.vault", tmp_path / "keys" / "skin.key"
    expect(["init", lake, "--project", "skin", "--vault", vault, "--vault-key", key], init=1)
    expect(["intake", source, "--workers", 1], intake=2)
    expect(["quarantine", "list", "--json"])
    (name,) = names_in_quarantine(Lake(lake))
    expect(["quarantine", "export", name, tmp_path / "out.xyz"], quarantine=1)
    assert (tmp_path / "out.xyz").read_text() == "ZWINGLI"
    expect(["quarantine", "release", name], release=1, intake=2)
    assert names_in_quarantine(Lake(lake)) == [name]  # its reason was not mended
    expect(["quarantine", "discard", name], quarantine=1)
    assert names_in_quarantine(Lake(lake)) == []
    table = tmp_path / "labels.csv"
    table.write_text("patient_id,diagnosis\n" + "".join(f"P{at},{'yes' if at % 2 else 'no'}\n" for at in range(6)))
    expect(["table", table], intake=1)
    expect(["verify", "--no-pictures", "--workers", 1], verify=1)
    expect(["status", "--json"])
    expect(["find", "modality=CT"])
    expect(["cohort", "lungs", "modality=CT", "--labels", "skin/labels/labels.csv:diagnosis"], cohort=1)
    expect(["consent", "record", "P0", "--given", "2024-01-31"], consent=1)
    expect(["consent", "show", "P0"])
    expect(["consent", "withdraw", "P0"], withdrawal=2)
    subject = Lake(lake).pseudonyms.subject("P1")
    assert "P1" in expect(["vault", "reidentify", subject, "--reason", "finding"], reidentify=1)
    expect(["vault", "export", tmp_path / "mapping", "--reason", "answer key"], export=1)
    expect(["vault", "rotate", tmp_path / "second" / "skin.key"], rotate=1)
    expect(["audit", "verify"])
    expect(["audit", "show", "--last", 3])
    run("vault", "destroy", "--confirm", "other", "--reason", "end", code=2)
    expect(["vault", "destroy", "--confirm", "skin", "--reason", "end of the study"], destroy=1)
    assert json.loads(run("status", "--json"))["anonymised"] is True
    log = b"".join(everything(lake / "audit").values())
    assert not any(text in log for text in (b"ZWINGLI", b"P0", b"P1", str(tmp_path).encode()))


def test_originals_in_quarantine_come_back_whole_and_only_outside_the_lake(empty_lake: Lake, tmp_path: Path):
    path = original(tmp_path / "in" / "a.dcm", SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1")
    intake(empty_lake, tmp_path / "in")
    (name,) = names_in_quarantine(empty_lake)
    sealed = (empty_lake.folder.quarantine / name).read_bytes()
    assert b"ZWINGLI" not in sealed
    assert b"4711" not in name.encode()
    with Journal(empty_lake.folder.journal, create=False) as journal:
        quarantine = Quarantine(empty_lake.folder, journal, empty_lake.vault.quarantine_key())
        assert quarantine.show(name).reason == "not-asked-for"
        assert quarantine.export(name, tmp_path / "b.dcm").read_bytes() == path.read_bytes()
        with pytest.raises(DataError, match="into the lake"):
            quarantine.export(name, empty_lake.folder.root / "b.dcm")
        with pytest.raises(DataError, match="exists already"):
            quarantine.export(name, tmp_path / "b.dcm")
        with pytest.raises(MissingDataError, match="nothing of that name"):
            quarantine.export("../" + name, tmp_path / "c.dcm")
        assert quarantine.discard([name]) == 1
    assert everything(empty_lake.folder.quarantine) == {}
