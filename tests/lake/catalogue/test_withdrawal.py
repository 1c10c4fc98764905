"""A subject leaves: everything of it is gone, everybody else is whole, and a killed withdrawal is finished."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import sha256
from deephealth.data.deephealth_yaml import read_deephealth_yaml
from deephealth.lake.catalogue import withdrawal as withdrawal_module
from deephealth.lake.catalogue.card_facts import CardFacts
from deephealth.lake.catalogue.cards import refresh_cards, write_cards
from deephealth.lake.catalogue.cohort import make_cohort, read_manifest
from deephealth.lake.catalogue.index import open_index, write_index
from deephealth.lake.catalogue.lineage import cohorts_of, register_run, runs, runs_of
from deephealth.lake.catalogue.query import find
from deephealth.lake.catalogue.traces import find_traces
from deephealth.lake.catalogue.withdrawal import remove_subject, unfinished
from deephealth.lake.layout.tables import DatasetPaper, write_paper, write_tables
from deephealth.lake.layout.validate import check_layout
from tests.lake.catalogue.conftest import copy_of
from tests.lake.lake_maker import LakeMaker


class Ledger:
    """A journal for tests."""

    def __init__(self, maker: LakeMaker) -> None:
        self.maker, self.forgotten = maker, list[str]()
        self.quarantined: list[str] = []

    def holdings(self, subject: str) -> tuple[list[str], list[str]]:
        """Paths and quarantined names."""
        return [one.path for one in self.maker.entries if one.facts.subject == subject], self.quarantined

    def forget(self, subject: str) -> None:
        """Note it."""
        self.forgotten.append(subject)


def run_folder(folder: Path, cohort: Path) -> Path:
    """A run as ``deephealth train`` leaves it, by hand."""
    index = read_deephealth_yaml(cohort)
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    (folder / "config.yaml").write_text(yaml.safe_dump({"usecase": "uc12-skin", "data": {"root": str(cohort)}}))
    lines = [f"{sample.id},{sample.group},{sample.label},{sample.split}" for sample in index.samples]
    (folder / "split.csv").write_text("\n".join(["id,group,label,split", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def with_run(filled: LakeMaker, tmp_path_factory: pytest.TempPathFactory) -> LakeMaker:
    """A lake with cohorts, a run, labels, masks and cards; made once."""
    tmp_path = tmp_path_factory.mktemp("with_run")
    maker = copy_of(filled, tmp_path / "lake")
    write_paper(maker.lake.dataset("demo"), DatasetPaper("Demo", licence="CC0"))
    cohort = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis")
    make_cohort(maker.lake, "modality=CT", name="chest")
    register_run(maker.lake, run_folder(tmp_path / "run7", cohort.folder))
    labels = maker.lake.derivatives / "demo" / "labels" / "all.tsv"
    labels.parent.mkdir(parents=True)
    subjects = sorted({one.facts.subject for one in maker.entries})
    labels.write_text("participant_id\tnote\n" + "".join(f"sub-{one}\ta\n" for one in subjects))
    (labels.parent / "quoted.csv").write_text("subject,note\n" + "".join(f'{one},"two\nlines"\n' for one in subjects))
    mask = maker.lake.derivatives / "demo" / "masks" / f"sub-{subjects[0]}" / f"sub-{subjects[0]}_mask.png"
    mask.parent.mkdir(parents=True)
    mask.write_bytes(b"mask")
    facts = CardFacts("Demo", "A demo.", "Hospital", "office@example.org")
    write_cards(maker.lake, "demo", facts)
    return maker


@pytest.fixture
def lake_with_run(with_run: LakeMaker, tmp_path: Path) -> LakeMaker:
    """A copy for each test."""
    return copy_of(with_run, tmp_path / "copy")


def victim(maker: LakeMaker) -> str:
    """A subject with photographs, a CT, two cohorts and a run."""
    return next(one.facts.subject for one in maker.entries if one.facts.modality == "CT")


def withdraw(maker: LakeMaker, subject: str, ledger: Ledger | None = None) -> withdrawal_module.Removal:
    """As the lake does it."""

    def refresh() -> None:
        with open_index(maker.lake) as index:
            write_tables(maker.lake, "demo", list(index.objects()))
        refresh_cards(maker.lake, "demo")

    return remove_subject(maker.lake, subject, ledger or Ledger(maker), refresh=refresh)


def test_nothing_of_the_subject_is_left_and_the_others_are_whole(lake_with_run: LakeMaker) -> None:
    maker, subject = lake_with_run, victim(lake_with_run)
    mine = [one for one in maker.entries if one.facts.subject == subject]
    ledger = Ledger(maker)
    removal = withdraw(maker, subject, ledger)
    assert removal.is_proven
    assert removal.cohorts == ("chest", "skin")
    assert [run["name"] for run in removal.runs] == ["run7"]
    assert removal.runs[0]["models"]
    assert removal.runs[0]["splits"]
    assert removal.rows >= 4
    assert ledger.forgotten == [subject]
    for path in maker.lake.root.rglob("*"):  # by other means than find_traces
        assert subject not in path.name
        data = path.read_bytes() if path.is_file() else b""
        plain = gzip.decompress(data) if path.suffix == ".gz" else data
        for one in mine:
            assert not any(name.encode() in plain for name in (subject, one.facts.session, one.facts.key))
            assert one.facts.object_uid.encode() not in plain
    with open_index(maker.lake) as index:
        assert index.ask("SELECT count(*) FROM objects WHERE subject = ?", [subject]) == [(0,)]
        others = [one for one in maker.entries if one.facts.subject != subject]
        assert sorted(one.path for one in index.objects()) == sorted(one.path for one in others)
    assert all((maker.lake.root / one.path).is_file() for one in others)
    assert check_layout(maker.lake.dataset("demo")) == []
    for name in ("skin", "chest"):
        cohort = maker.lake.derivatives / name
        data = read_deephealth_yaml(cohort)
        assert not [problem for problem in data.problems if problem.severity == "error"]
        assert all(sample.image.path.is_file() and sample.group != subject for sample in data.samples)
        manifest = read_manifest(cohort)
        assert len(manifest["images"]) == len(data.samples)
        assert manifest["withdrawn"] == 1
        assert sum(count for part in manifest["counts"].values() for count in part.values()) == len(data.samples)
    assert "27" in (maker.lake.catalogue / "cards" / "demo" / "dcat.jsonld").read_text()


def test_the_runs_of_a_withdrawn_subject_can_still_be_asked_for(lake_with_run: LakeMaker) -> None:
    subject = victim(lake_with_run)
    before = runs_of(lake_with_run.lake, subject)
    assert len(before) == 1
    assert cohorts_of(lake_with_run.lake, subject) == ["chest", "skin"]
    withdraw(lake_with_run, subject)
    after = runs_of(lake_with_run.lake, subject)
    assert [one.run for one in after] == [one.run for one in before]
    assert after[0].splits_of(subject) == before[0].splits_of(subject)
    assert cohorts_of(lake_with_run.lake, subject) == []
    again = withdraw(lake_with_run, subject)
    record = json.loads((lake_with_run.lake.root / again.record).read_text())
    assert record["cohorts"] == ["chest", "skin"]
    assert len(record["runs"]) == 1
    assert record["files"] > 5


STEPS = (
    "_remove_files",
    "forget_in_tables",
    "forget_in_cohort",
    "_rename_in_records",
    "forget_in_index",
    "_write_record",
    "find_traces",
)


@pytest.mark.parametrize(("step", "late"), [*((step, False) for step in STEPS), (STEPS[0], True), (STEPS[4], True)])
def test_a_withdrawal_killed_at_any_step_is_finished_by_the_next(
    lake_with_run: LakeMaker, monkeypatch: pytest.MonkeyPatch, step: str, late: bool
) -> None:
    maker, subject = lake_with_run, victim(lake_with_run)
    real = getattr(withdrawal_module, step)

    def killed(*arguments: object, **named: object) -> object:
        if late:
            real(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(withdrawal_module, step, killed)
    with pytest.raises(KeyboardInterrupt):
        withdraw(maker, subject)
    monkeypatch.undo()
    assert unfinished(maker.lake) == [subject]
    removal = withdraw(maker, subject)
    assert removal.is_proven
    assert removal.cohorts == ("chest", "skin")
    assert [run["name"] for run in removal.runs] == ["run7"]
    assert unfinished(maker.lake) == []
    assert check_layout(maker.lake.dataset("demo")) == []


def test_a_withdrawal_killed_between_two_files_is_finished_by_the_next(
    lake_with_run: LakeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, subject = lake_with_run, victim(lake_with_run)
    real, calls = withdrawal_module._remove, iter(range(1000))

    def killed(path: Path) -> int:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(withdrawal_module, "_remove", killed)
    with pytest.raises(KeyboardInterrupt):
        withdraw(maker, subject)
    monkeypatch.undo()
    assert withdraw(maker, subject).is_proven


def test_what_can_not_be_removed_is_found_and_said(lake_with_run: LakeMaker) -> None:
    maker, subject = lake_with_run, victim(lake_with_run)
    uid = next(one.facts.object_uid for one in maker.entries if one.facts.subject == subject)
    folder = maker.lake.derivatives / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text(f"see {subject}")
    (folder / "b.bin").write_bytes(subject.encode("utf-16-le"))
    (folder / "c.json").write_text(json.dumps({"uid": uid}))
    (folder / "d.txt.gz").write_bytes(gzip.compress(uid.encode()))
    removal = withdraw(maker, subject)
    assert {Path(trace.path).name for trace in removal.traces} == {"a.txt", "b.bin", "c.json", "d.txt.gz"}
    assert not removal.is_proven
    assert unfinished(maker.lake) == [subject]
    shutil.rmtree(folder)
    assert withdraw(maker, subject).is_proven
    assert unfinished(maker.lake) == []


def test_rows_go_from_a_table_of_many_and_the_table_stays(maker: LakeMaker) -> None:
    subject = victim(maker)
    subjects = sorted({one.facts.subject for one in maker.entries})
    text = "patient;note\n" + "".join(f'{one};"a\nb ""{at}"""\n' for at, one in enumerate(subjects))
    facts = replace(maker.entries[0].facts, subject="", session="", key="TABLE1", format="table")
    facts = replace(facts, study_uid="", series_uid="", object_uid="")
    table = maker.add(facts, text.encode(), ".csv")
    write_index(maker.lake, maker.entries)
    removal = remove_subject(maker.lake, subject, Ledger(maker))
    assert removal.is_proven
    assert table.path in removal.tables
    at = subjects.index(subject)
    assert (maker.lake.root / table.path).read_text() == text.replace(f'{subject};"a\nb ""{at}"""\n', "")
    with open_index(maker.lake) as index:
        found = next(one for one in index.objects() if one.path == table.path)
    assert found.facts.sha256 == sha256(maker.lake.root / table.path)
    assert found.facts.bytes == (maker.lake.root / table.path).stat().st_size


def test_quarantined_originals_go_too(lake_with_run: LakeMaker) -> None:
    maker, ledger = lake_with_run, Ledger(lake_with_run)
    maker.lake.quarantine.mkdir()
    for name in ("AAAA.sealed", "BBBB.sealed"):
        (maker.lake.quarantine / name).write_bytes(b"sealed")
    ledger.quarantined = ["AAAA.sealed"]
    withdraw(maker, victim(maker), ledger)
    assert [path.name for path in maker.lake.quarantine.iterdir()] == ["BBBB.sealed"]


def test_with_the_real_journal_open(lake_with_run: LakeMaker) -> None:
    """Rows that were deleted must not stay readable in SQLite's own files, nor in its write-ahead log."""
    journal_module = pytest.importorskip("deephealth.lake.intake.journal")
    maker, subject = lake_with_run, victim(lake_with_run)
    with journal_module.Journal(maker.lake.journal) as journal:
        outcome = json.dumps({"tally": {}, "boxes": [], "executed": []})
        with journal.transaction() as database:
            for at, one in enumerate(maker.entries):
                path = one.path.removeprefix(f"rawdata/{one.dataset}/")
                facts = json.dumps(one.facts.to_dict())
                row = (f"S{at}", one.dataset, path, one.facts.subject, "", "", "", facts, outcome, 1)
                database.execute("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        assert sorted(one.path for one in journal.published()) == sorted(one.path for one in maker.entries)
        removal = remove_subject(maker.lake, subject, journal)
        assert removal.traces == ()
        assert journal.holdings(subject) == ([], [])
        assert not any(one.facts.subject == subject for one in journal.published())


@pytest.mark.parametrize("subject", ["", "..", "*", "a/b", "A-B", ".*"])
def test_only_a_pseudonym_is_removed(maker: LakeMaker, subject: str) -> None:
    with pytest.raises(DataError):
        withdraw(maker, subject)
    assert find(maker.lake, small=1).objects == len(maker.entries)


def test_an_unknown_subject_removes_nothing(maker: LakeMaker) -> None:
    removal = withdraw(maker, "NOBODY")
    assert (removal.files, removal.rows, removal.runs, removal.traces) == (0, 0, (), ())
    assert find(maker.lake, small=1).objects == len(maker.entries)


def test_traces_at_the_edge_of_a_part_are_found(maker: LakeMaker) -> None:
    (maker.lake.root / "big.bin").write_bytes(bytes(8 * 1024**2 - 4) + b"NEEDLE2BIG" + bytes(100))
    assert [trace.path for trace in find_traces(maker.lake, ["NEEDLE2BIG"])] == ["big.bin"]


def test_registering_what_is_no_run_of_this_lake(maker: LakeMaker, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError):
        register_run(maker.lake, tmp_path)
    cohort = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis")
    folder = run_folder(tmp_path / "run", cohort.folder)
    record = register_run(maker.lake, folder)
    assert record.cohort == "skin"
    assert record.cohort_id == cohort.manifest["id"]
    assert register_run(maker.lake, folder).run == record.run
    assert len(list(runs(maker.lake))) == 1
    (folder / "split.csv").write_text("id,group,label,split\nx,STRANGER,a,train\n")
    with pytest.raises(DataError, match="subject of this lake"):
        register_run(maker.lake, folder)
