"""Changing keys and destroying: done or not done, whatever is killed; and what is left afterwards."""

from __future__ import annotations

import datetime
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deephealth.core.errors import StorageError, VaultError
from deephealth.lake.audit.event import AuditEvent, Kind
from deephealth.lake.audit.log import AuditLog
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.vault import renewal
from deephealth.lake.vault.anchor import VaultAnchor
from deephealth.lake.vault.consent import Consent, ConsentBook
from deephealth.lake.vault.keys import Passphrase, generate_key, write_key_file
from deephealth.lake.vault.transfer import export_project_key, read_project_key
from deephealth.lake.vault.vault import Known, Vault, tombstone

DAY = datetime.date(2024, 1, 1)


def _fill(vault: Vault, patients: int = 40, each: int = 10) -> None:
    vault.remember_many(
        Known(f"P{n}", "KH", Identifiers.of(names=[f"DOE^{n}"]), frozenset(f"1.2.{n}.{i}" for i in range(each)))
        for n in range(patients)
    )


def _rows(vault: Vault) -> list[bytes]:
    with vault._store.reading():
        rows = vault._store.scan(["secret", "patient", "uid", "consent"], None, 10_000)
    return [part for row in rows for part in (row.lookup, row.owner, row.value)]


def _disk(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in place.parent.iterdir())


def test_rotation(vault: Vault, place: Path | str, key: bytes, events: list) -> None:
    _fill(vault)
    ConsentBook(vault).record(Consent("P1", frozenset({"research"}), "1", DAY, issuer="KH"))
    before, old_rows = dict(vault.all_identifiers()), _rows(vault)
    secrets = (vault.project_key(), vault.quarantine_key(), vault.audit_key())
    other, new_key = Vault.open(place, key), generate_key()
    vault.rotate(new_key)
    assert ("rotate", {"what": "the vault's key"}) in events
    assert dict(vault.all_identifiers()) == before
    assert not set(old_rows) & set(_rows(vault))
    with pytest.raises(VaultError, match="was changed meanwhile"):
        other.remember("P1")
    other.close()
    vault.close()
    if isinstance(place, Path):
        left = _disk(place)
        assert not [row for row in old_rows if row in left]
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(place, key)
    with Vault.open(place, new_key) as again:
        assert again.generation == 2
        assert dict(again.all_identifiers()) == before
        assert (again.project_key(), again.quarantine_key(), again.audit_key()) == secrets
        ConsentBook(again).check("P1", "research", issuer="KH")
        with pytest.raises(VaultError, match="is the old one"):
            again.rotate(new_key)
        again.rotate(Passphrase("correct horse battery"))
    with Vault.open(place, Passphrase("correct horse battery")) as again:
        assert again.patients() == 40


def test_rotation_refuses_the_key_of_another_project(tmp_path: Path) -> None:
    write_key_file(tmp_path / "k" / "a.key")
    write_key_file(tmp_path / "k" / "b.key")
    Vault.create(tmp_path / "a" / "a.vault", tmp_path / "k" / "a.key", "a").close()
    with Vault.create(tmp_path / "b" / "b.vault", tmp_path / "k" / "b.key", "b") as vault:
        with pytest.raises(VaultError, match="belongs to another project"):
            vault.rotate(tmp_path / "k" / "a.key")
        write_key_file(tmp_path / "b" / "c.key")
        with pytest.raises(VaultError, match="in the folder of its vault"):
            vault.rotate(tmp_path / "b" / "c.key")
        assert vault.generation == 1


ROTATE = """
import json, sys
from pathlib import Path
from deephealth.lake.vault.vault import Vault
place, old, new, action = json.loads(sys.argv[1])
vault = Vault.open(place if "://" in place else Path(place), bytes.fromhex(old))
print("open", flush=True)
vault.rotate(bytes.fromhex(new)) if action == "rotate" else vault.destroy(why="end")
print("done", flush=True)
"""


def _killed(place: Path | str, old: bytes, new: bytes, action: str, after: float) -> None:
    command = [sys.executable, "-c", ROTATE, json.dumps([str(place), old.hex(), new.hex(), action])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)


def _opens(place: Path | str, key: bytes, content: dict) -> bool:
    try:
        again = Vault.open(place, key)
    except VaultError:
        return False
    with again:
        assert dict(again.all_identifiers()) == content
    return True


def test_a_kill_while_rotating_leaves_one_key(vault: Vault, place: Path | str, key: bytes) -> None:
    _fill(vault, 100, 30)
    before, draw, current = dict(vault.all_identifiers()), random.Random(1), generate_key()
    began = time.perf_counter()
    vault.rotate(current)
    whole = time.perf_counter() - began
    vault.close()
    for _ in range(5):
        new = generate_key()
        _killed(place, current, new, "rotate", draw.uniform(0, 1.3 * whole))
        opened = [candidate for candidate in (current, new) if _opens(place, candidate, before)]
        assert len(opened) == 1
        current = opened[0]


def test_a_kill_while_destroying_leaves_all_or_nothing(tmp_path: Path, key: bytes) -> None:
    draw, place = random.Random(2), tmp_path / "v" / "a.vault"
    for number in range(6):
        with Vault.create(place, key, "chest") as vault:
            _fill(vault, 50, 20)
            rows = _rows(vault)
        _killed(place, key, key, "destroy", draw.uniform(0, 0.05) * number)
        if tombstone(place) is None:
            with Vault.open(place, key) as again:
                assert again.patients() == 50
        else:
            with pytest.raises(VaultError, match="was destroyed"):
                Vault.open(place, key)
            assert tombstone(place).shredded
            left = _disk(place)
            assert not [row for row in rows if row in left]
        for path in place.parent.iterdir():
            path.unlink()


def test_a_destroyed_vault_links_nothing(
    vault: Vault, place: Path | str, key: bytes, events: list, tmp_path: Path
) -> None:
    _fill(vault)
    ConsentBook(vault).record(Consent("P1", frozenset({"research"}), "1", DAY, issuer="KH"))
    log = AuditLog(tmp_path / "audit", vault.audit_key(), anchor=VaultAnchor(vault))
    log.append(AuditEvent(Kind.INTAKE))
    names, audit_key, old_rows = vault.pseudonyms(), vault.audit_key(), _rows(vault)
    subjects = [names.subject(f"P{n}", "KH") for n in range(40)]
    other = Vault.open(place, key, audit=lambda *_: None)
    with pytest.raises(VaultError, match="needs a reason"):
        vault.destroy(why=" ")
    stone = vault.destroy(who="steward", why="end of the study")
    assert events[-1] == ("destroy", {"by": "steward", "reason": "end of the study"})
    assert (stone.who, stone.why, stone.audit_key, stone.shredded) == ("steward", "end of the study", audit_key, True)
    answers = []
    for held in (vault, other):
        for ask in (
            lambda held=held: [held.reidentify(subject, reason="try") for subject in subjects],
            held.pseudonyms,
            held.project_key,
            held.quarantine_key,
            held.audit_key,
            lambda held=held: held.key_for("journal"),
            lambda held=held: held.identifiers("P1", "KH"),
            lambda held=held: list(held.all_identifiers()),
            lambda held=held: list(held.entries("patient", "uid", "consent", "secret")),
            lambda held=held: held.export(tmp_path / "out", reason="try", key=None),
            lambda held=held: held.remember("P1"),
            lambda held=held: held.rotate(generate_key()),
            lambda held=held: held.destroy(why="again"),
            lambda held=held: renewal.begin(held),
            lambda held=held: ConsentBook(held).history("P1", "KH"),
            lambda held=held: export_project_key(held, tmp_path / "k", generate_key(), reason="try"),
        ):
            with pytest.raises(VaultError, match=r"was destroyed on .* by steward: end of the study"):
                answers.append(ask())
    assert not answers
    for held in (vault, other):
        held.close()
    with pytest.raises(VaultError, match=r"destroyed on .* by steward: end of the study"):
        Vault.open(place, key)
    with pytest.raises(VaultError, match=r"exists|already"):
        Vault.create(place, generate_key(), "chest")
    assert tombstone(place).audit_key is None
    left = tombstone(place, key)
    assert left.audit_key == audit_key
    assert repr(audit_key) not in repr(left)
    assert str(left).endswith("by steward: end of the study")
    proven = AuditLog(tmp_path / "audit", left.audit_key).verify()
    assert proven.ok
    assert left.anchor == (tmp_path / "audit" / "head").read_bytes()
    if isinstance(place, Path):
        disk = _disk(place)
        assert not [row for row in old_rows if row in disk]


def test_a_second_vault_gets_no_used_key(vault: Vault, place: Path | str, key: bytes) -> None:
    if isinstance(place, str):
        return  # in one database: test_two_projects_with_one_key_are_refused
    with Vault.create(place.with_name("b.vault"), generate_key(), "b") as second:
        with pytest.raises(VaultError, match="has this key already"):
            second.rotate(key)
        second.remember("1")


def test_what_was_removed_leaves_the_disk(tmp_path: Path, key: bytes) -> None:
    place = tmp_path / "v" / "a.vault"
    with Vault.create(place, key, "chest") as vault:
        _fill(vault, 5)
        rows = set(_rows(vault))
        vault.forget("P3", "KH")
        gone = rows - set(_rows(vault))
        assert len(gone) == 2 * 11 + 1  # eleven rows of one owner
    left = _disk(place)
    assert not [row for row in gone if row in left]


def test_clearing_is_made_up_for(tmp_path: Path, key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill between the removal and the clearing of the disk."""
    place = tmp_path / "v" / "a.vault"
    with Vault.create(place, key, "chest") as vault:
        _fill(vault, 5)
        with monkeypatch.context() as patched:
            patched.setattr("deephealth.lake.vault.sqlite_store.SqliteStore.shred", lambda _: False)
            assert not vault.destroy(why="end").shredded
    assert not tombstone(place).shredded
    with pytest.raises(VaultError, match="was destroyed"):
        Vault.open(place, key)
    assert tombstone(place).shredded


def test_a_disk_too_full_to_clear(tmp_path: Path, key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change holds, and the clearing is made up for."""

    def full(_: object) -> bool:
        raise StorageError("the disk is full")

    place, new = tmp_path / "v" / "a.vault", generate_key()
    with Vault.create(place, key, "chest") as vault:
        _fill(vault, 5)
        with monkeypatch.context() as patched:
            patched.setattr("deephealth.lake.vault.sqlite_store.SqliteStore.shred", full)
            vault.rotate(new)
        assert vault.patients() == 5
    with Vault.open(place, new) as vault, vault._store.reading():
        assert "clearing" not in vault._store.header()


def test_a_living_vault_has_no_tombstone(vault: Vault, place: Path | str) -> None:
    assert tombstone(place) is None


def test_a_new_project_key(vault: Vault, place: Path | str, key: bytes) -> None:
    _fill(vault, 12, 3)
    vault.remember("P1", "KH", Identifiers.of(numbers=["ACC1"]))
    ConsentBook(vault).withdraw("P1", "KH")
    ConsentBook(vault).withdraw("GONE", "KH")  # an objection of somebody the lake never held
    old, before = vault.pseudonyms(), dict(vault.all_identifiers())
    started = renewal.begin(vault)
    with pytest.raises(VaultError, match="is being changed"):
        vault.pseudonyms()
    changes = {change.old: change for change in started.changes()}
    vault.close()
    with Vault.open(place, key) as again:  # as after a kill: the same new key, the same map
        assert {change.old: change for change in renewal.begin(again).changes()} == changes
        renewal.begin(again).finish()
        new = again.pseudonyms()
        assert new.fingerprint != old.fingerprint
        assert set(changes) == set(before)
        for n in range(12):
            change = changes[old.subject(f"P{n}", "KH")]
            assert change.new == new.subject(f"P{n}", "KH") != change.old
            assert change.days == new.shift_days(f"P{n}", "KH") - old.shift_days(f"P{n}", "KH")
            assert change.uids == {old.uid(f"1.2.{n}.{i}"): new.uid(f"1.2.{n}.{i}") for i in range(3)}
            assert change.sessions[old.session(f"1.2.{n}.0")] == new.session(f"1.2.{n}.0")
        assert changes[old.subject("P1", "KH")].accessions[old.accession("ACC1")] == new.accession("ACC1")
        assert dict(again.all_identifiers()) == {changes[subject].new: known for subject, known in before.items()}
        book = ConsentBook(again, "opt-out")
        assert set(book.refusals([("P1", "KH"), ("P2", "KH"), ("GONE", "KH")], "research")) == {
            ("P1", "KH"),
            ("GONE", "KH"),
        }


def test_the_same_pseudonyms_on_a_second_machine(vault: Vault, tmp_path: Path, events: list) -> None:
    words, file = Passphrase("told by telephone"), tmp_path / "carried" / "chest.projectkey"
    export_project_key(vault, file, words, reason="second site")
    assert events == [("export", {"what": "the project's key", "by": events[0][1]["by"], "reason": "second site"})]
    assert vault.project_key() not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(VaultError, match="another project"):
        read_project_key(file, words, "brain")
    with pytest.raises(VaultError, match="can't be opened"):
        read_project_key(file, Passphrase("something else entirely"), "chest")
    with pytest.raises(VaultError, match="is not a project's key"):
        read_project_key(tmp_path / "nothing", words, "chest")
    carried = read_project_key(file, words, "chest")
    with Vault.create(tmp_path / "second" / "a.vault", generate_key(), "chest", project_key=carried) as second:
        assert second.pseudonyms().subject("4711") == vault.pseudonyms().subject("4711")
        assert second.quarantine_key() != vault.quarantine_key()
    with pytest.raises(VaultError, match="needs a reason"):
        export_project_key(vault, file, words, reason="")
