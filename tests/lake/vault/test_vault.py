"""The vault: what it keeps, gives back, refuses; in both back-ends."""

from __future__ import annotations

import csv
import json
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from deephealth.core.errors import DataError, DeepHealthError, StorageError, VaultError
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.vault.keys import Passphrase, generate_key, write_key_file
from deephealth.lake.vault.sealed import open_file
from deephealth.lake.vault.vault import Known, Vault

DOE = Identifiers.of(
    names=["DOE^JANE", "MÜLLER^Jürgen"], numbers=["ACC77"], dates=["19580714"], places=["St. Elsewhere"]
)


def test_keeps_and_joins(vault: Vault, place: Path | str, key: bytes) -> None:
    vault.remember("4711", identifiers=DOE, uids=["1.2.3"])
    vault.remember(" 4711 ", identifiers=Identifiers.of(names=["DOE^J"], uids=["1.2.4", "1.2.3"]))
    vault.remember("4711", "OTHER", Identifiers.of(names=["SOMEONE^ELSE"]))
    vault.close()
    again = Vault.open(place, key, project="chest")
    known = again.identifiers("4711")
    assert known.names == DOE.names | {"DOE^J"}
    assert known.numbers == {"ACC77", "4711"}
    assert (known.dates, known.places, known.uids) == (DOE.dates, DOE.places, {"1.2.3", "1.2.4"})
    assert again.identifiers("4711", "OTHER").names == {"SOMEONE^ELSE"}
    assert again.identifiers("nobody") == Identifiers()
    assert again.patients() == 2
    every = dict(again.all_identifiers())
    names = again.pseudonyms()
    assert every == {names.subject("4711"): known, names.subject("4711", "OTHER"): again.identifiers("4711", "OTHER")}
    again.close()


def test_pages_hold_one_subject_together(vault: Vault) -> None:
    vault.remember_many(Known(f"P{i % 7}", "", Identifiers(), frozenset({f"1.2.{i}"})) for i in range(2500))
    every = list(vault.all_identifiers())
    assert len(every) == 7
    assert {subject: len(known.uids) for subject, known in every} == {
        vault.pseudonyms().subject(f"P{n}"): len(range(n, 2500, 7)) for n in range(7)
    }


def test_nothing_of_a_bad_batch_is_kept(vault: Vault) -> None:
    with pytest.raises(DataError):
        vault.remember_many([Known("1"), Known(" ")])
    assert vault.patients() == 0


def test_keys_are_different_and_lasting(vault: Vault, place: Path | str, key: bytes) -> None:
    keys = [vault.quarantine_key(), vault.audit_key(), vault.project_key(), vault.key_for("a"), vault.key_for("b")]
    assert len(set(keys)) == 5
    assert {len(one) for one in keys} == {32}
    vault.close()
    with Vault.open(place, key) as again:
        assert [
            again.quarantine_key(),
            again.audit_key(),
            again.project_key(),
            again.key_for("a"),
            again.key_for("b"),
        ] == keys
        assert again.pseudonyms().fingerprint == Pseudonyms(keys[2]).fingerprint


def test_reidentify_is_recorded_first(vault: Vault, events: list) -> None:
    vault.remember("4711", "KH", uids=["1.2.3"])
    names = vault.pseudonyms()
    found = vault.reidentify(names.subject("4711", "KH"), reason="incidental finding", who="dr")
    assert (found.patient, found.issuer, found.uids) == ("4711", "KH", {names.uid("1.2.3"): "1.2.3"})
    subject = names.subject("4711", "KH")
    assert events == [("reidentify", {"subject": subject, "by": "dr", "reason": "incidental finding"})]
    for bad in ("", "  "):
        with pytest.raises(VaultError, match="needs a reason"):
            vault.reidentify(subject, reason=bad)
    with pytest.raises(VaultError, match="nobody is known"):
        vault.reidentify("A" * 16, reason="x")


def test_nothing_leaves_without_an_audit(place: Path | str, key: bytes, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise StorageError("the audit's disk is full")

    with Vault.create(place, key, "chest") as vault:
        vault.remember("4711")
        subject = vault.pseudonyms().subject("4711")
        with pytest.raises(VaultError, match="no audit"):
            vault.reidentify(subject, reason="x")
        with pytest.raises(VaultError, match="no audit"):
            vault.export(tmp_path / "out", reason="x", key=None)
    with Vault.open(place, key, audit=full) as vault:
        with pytest.raises(StorageError):
            vault.reidentify(subject, reason="x")
        with pytest.raises(StorageError):
            vault.destroy(why="end")
        assert vault.identifiers("4711")


def test_export(vault: Vault, tmp_path: Path, events: list) -> None:
    vault.remember_many(Known(f"P,{i}", "", Identifiers(), frozenset({f"1.2.{i}"})) for i in range(3000))
    names = vault.pseudonyms()
    patients, uids = vault.export(tmp_path / "plain", reason="scoring", key=None)
    with patients.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["id_old", "id_new"]
    assert dict(rows[1:]) == {f"P,{i}": names.subject(f"P,{i}") for i in range(3000)}
    assert patients.stat().st_mode & 0o777 == 0o600
    seal = generate_key()
    _, sealed = vault.export(tmp_path / "sealed", reason="scoring", key=seal)
    with open_file(sealed, seal, context="uid_mapping.csv") as stream:
        assert stream.read() == uids.read_bytes()
    assert b"1.2.17" not in sealed.read_bytes()
    assert [kind for kind, _ in events] == ["export", "export"]
    with pytest.raises(VaultError, match="needs a reason"):
        vault.export(tmp_path, reason="", key=None)


def test_forget(vault: Vault) -> None:
    vault.remember("1", uids=["1.2"])
    vault.remember("2", uids=["1.3"])
    assert vault.forget("1") == 2
    assert vault.identifiers("1") == Identifiers()
    assert vault.identifiers("2").uids == {"1.3"}


def test_two_open_vaults_see_each_other(vault: Vault, place: Path | str, key: bytes) -> None:
    with Vault.open(place, key) as other:
        other.remember("1", identifiers=Identifiers.of(names=["A"]))
        vault.remember("1", identifiers=Identifiers.of(names=["B"]))
        assert other.identifiers("1").names == vault.identifiers("1").names == {"A", "B"}


WRITER = """
import json, sys
from pathlib import Path
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.vault.vault import Known, Vault
place, key, me = json.loads(sys.argv[1])
vault = Vault.open(place if "://" in place else Path(place), bytes.fromhex(key))
for batch in range(20):
    vault.remember_many(
        Known(f"P{i}", "", Identifiers.of(names=[f"{me}-{batch}"]), frozenset({f"1.{batch}.{i}"})) for i in range(20)
    )
"""


def _start(code: str, *values: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, json.dumps([str(value) for value in values])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_lose_nothing(vault: Vault, place: Path | str, key: bytes) -> None:
    running = [_start(WRITER, place, key.hex(), me) for me in "ab"]
    for one in running:
        _, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors
    for _, known in vault.all_identifiers():
        assert known.names == {f"{me}-{batch}" for me in "ab" for batch in range(20)}
        assert len(known.uids) == 20
    assert vault.patients() == 20


def test_a_forked_process_has_its_own_connection(vault: Vault) -> None:
    vault.remember("1")
    process = multiprocessing.get_context("fork").Process(target=vault.remember, args=("2",))
    process.start()
    vault.remember("3")
    process.join(60)
    assert process.exitcode == 0
    vault.remember("4")
    assert vault.patients() == 4


def test_refuses_another_key_or_project(vault: Vault, place: Path | str, key: bytes) -> None:
    with pytest.raises(VaultError, match="does not open") as caught:
        Vault.open(place, generate_key())
    assert key.hex() not in str(caught.value)
    with pytest.raises(VaultError, match="another project"):
        Vault.open(place, key, project="brain")
    with pytest.raises(VaultError, match="another kind of key"):
        Vault.open(place, Passphrase("correct horse battery"))
    with pytest.raises(VaultError, match=r"exists|already"):
        Vault.create(place, generate_key(), "chest")
    with pytest.raises(VaultError, match="wrong length"):
        Vault.open(place, b"short")
    with pytest.raises(TypeError, match="pseudonyms"):
        pickle.dumps(vault)


def test_refuses_a_newer_schema(vault: Vault, place: Path | str, key: bytes) -> None:
    with vault._store.writing():
        vault._store.put_header({**vault._store.header(), "schema": 99})
    with pytest.raises(VaultError, match="newer deephealth"):
        Vault.open(place, key)
    with pytest.raises(VaultError, match="newer deephealth"):
        vault.pseudonyms()


@pytest.mark.parametrize("field", ["salt", "vault", "generation", "check"])
def test_a_changed_header_is_noticed(vault: Vault, place: Path | str, key: bytes, field: str) -> None:
    with vault._store.writing():
        header = vault._store.header()
        changed = header[field] + 1 if field == "generation" else "00" + header[field][2:]
        vault._store.put_header({**header, field: changed})
    with pytest.raises(VaultError, match="damaged"):
        Vault.open(place, key)


def test_moved_and_changed_rows_are_noticed(vault: Vault) -> None:
    vault.remember("1", identifiers=DOE)
    vault.remember("2")
    store = vault._store
    with store.writing():
        one, two = store.scan(["patient"], None, 10)
        store.put([type(one)(one.kind, one.lookup, one.owner, two.value)])
    with pytest.raises(VaultError, match="damaged, changed or moved"):
        list(vault.all_identifiers())
    with store.writing():
        flipped = one.value[:-1] + bytes([one.value[-1] ^ 1])
        store.put([type(one)(one.kind, one.lookup, one.owner, flipped)])
    with pytest.raises(VaultError, match="damaged, changed or moved"):
        list(vault.all_identifiers())


def test_a_passphrase_opens(tmp_path: Path) -> None:
    place, words = tmp_path / "a.vault", Passphrase("correct horse battery")
    Vault.create(place, words, "chest").close()
    with Vault.open(place, words) as vault:
        assert vault.project == "chest"
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(place, Passphrase("correct horse batterz"))


# the file


def test_missing_and_damaged_files(tmp_path: Path, key: bytes) -> None:
    place = tmp_path / "a.vault"
    with pytest.raises(VaultError, match="is missing"):
        Vault.open(place, key)
    assert not place.exists()
    for content in (b"", b"no database at all" * 100):
        place.write_bytes(content)
        with pytest.raises(VaultError, match="damaged or is no vault"):
            Vault.open(place, key)
    place.unlink()
    Vault.create(place, key, "chest").close()
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VaultError):
        Vault.open(place, key)


def test_random_damage_never_passes_unnoticed(tmp_path: Path, key: bytes) -> None:
    import random

    place, draw = tmp_path / "a.vault", random.Random(3)
    with Vault.create(place, key, "chest") as vault:
        vault.remember_many(Known(f"P{i}", "", DOE, frozenset({f"1.2.{i}"})) for i in range(50))
        right = dict(vault.all_identifiers())
    whole = place.read_bytes()
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 20))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        place.write_bytes(content)
        for ending in ("-wal", "-shm"):
            place.with_name(place.name + ending).unlink(missing_ok=True)
        try:
            with Vault.open(place, key) as vault:
                for subject, known in vault.all_identifiers():
                    assert right[subject] == known or known.names <= right[subject].names
        except DeepHealthError:
            pass


def test_a_vault_or_key_in_a_lake_is_refused(tmp_path: Path, key: bytes) -> None:
    lake = LakeFolder(tmp_path / "lake")
    lake.root.mkdir()
    with pytest.raises(VaultError, match="inside the lake"):
        Vault.create(lake.root / "v" / "a.vault", key, "chest", lake=lake.root)
    lake.settings.write_text("{}")
    with pytest.raises(VaultError, match="inside the lake"):
        Vault.create(lake.root / "v" / "a.vault", key, "chest")
    write_key_file(lake.root / "a.key", key)
    with pytest.raises(VaultError, match="key would lie inside"):
        Vault.create(tmp_path / "a.vault", lake.root / "a.key", "chest")
    (tmp_path / "alias").symlink_to(lake.root)
    with pytest.raises(VaultError, match="inside the lake"):
        Vault.create(tmp_path / "alias" / "a.vault", key, "chest")
    vault = Vault.create(tmp_path / "a.vault", key, "chest", audit=lambda *_: None)
    with vault, pytest.raises(VaultError, match="inside the lake"):
        vault.export(lake.root / "out", reason="x", key=None)


def test_two_projects_with_one_key_are_refused(tmp_path: Path, schema: str, postgres: str) -> None:
    file, key = tmp_path / "keys" / "a.key", generate_key()
    write_key_file(file, key)
    Vault.create(tmp_path / "v" / "chest.vault", file, "chest").close()
    with pytest.raises(VaultError, match="belongs to another project"):
        Vault.create(tmp_path / "elsewhere" / "brain.vault", file, "brain")
    with pytest.raises(VaultError, match="has this key already"):
        Vault.create(tmp_path / "v" / "brain.vault", key, "brain")
    assert sorted(path.name for path in (tmp_path / "v").iterdir()) == ["chest.vault"]
    Vault.create(schema, key, "chest").close()
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA second")
    with pytest.raises(VaultError, match="has this key already"):
        Vault.create(f"{postgres}&options=-csearch_path%3Dsecond", key, "brain")


def test_the_key_beside_the_vault_is_refused(tmp_path: Path) -> None:
    write_key_file(tmp_path / "a.key")
    with pytest.raises(VaultError, match="in the folder of its vault"):
        Vault.create(tmp_path / "a.vault", tmp_path / "a.key", "chest")


def test_only_the_owner_may_read_the_file(tmp_path: Path, key: bytes) -> None:
    place = tmp_path / "v" / "a.vault"
    with Vault.create(place, key, "chest") as vault:
        vault.remember("1")
        assert {path.stat().st_mode & 0o777 for path in place.parent.iterdir()} == {0o600}


def _utf16(text: str) -> list[bytes]:
    return [text.encode("utf-16-le"), text.encode("utf-16-be")]


def test_no_plaintext_in_the_file(tmp_path: Path, key: bytes) -> None:
    place = tmp_path / "v" / "a.vault"
    secrets = ["DOE^JANE", "MÜLLER^Jürgen", "山田^太郎", "PATIENT-4711", "19580714", "1.2.826.0.1.99", "St. Elsewhere"]
    with Vault.create(place, key, "secret-project") as vault:
        identifiers = Identifiers.of(names=secrets[:3], dates=[secrets[4]], places=[secrets[6]])
        vault.remember(secrets[3], "HOSPITAL", identifiers, [secrets[5]])
        subject = vault.pseudonyms().subject(secrets[3], "HOSPITAL")
        keys = [key, vault.project_key(), vault.quarantine_key(), vault.audit_key()]
        bytes_of_all = b"".join(path.read_bytes() for path in place.parent.iterdir())  # with the write-ahead log
    bytes_of_all += place.read_bytes()
    for text in [*secrets, "HOSPITAL", "secret-project", subject]:
        forms = [text.encode(), text.encode("latin-1", "ignore"), text.encode("iso2022_jp", "ignore"), *_utf16(text)]
        forms += [json.dumps(text)[1:-1].encode(), text.encode().hex().encode()]
        for form in forms:
            if len(form) > 4:
                assert form not in bytes_of_all
                assert form.lower() not in bytes_of_all.lower()
    for one in keys:
        assert one not in bytes_of_all
        assert one.hex().encode() not in bytes_of_all


def test_no_plaintext_in_the_database(schema: str, key: bytes) -> None:
    import psycopg

    with Vault.create(schema, key, "secret-project") as vault:
        vault.remember("PATIENT-4711", identifiers=DOE, uids=["1.2.826.0.1.99"])
    with psycopg.connect(schema) as connection:
        rows = connection.execute("SELECT * FROM deephealth_vault_rows").fetchall()
        head = connection.execute("SELECT value FROM deephealth_vault_header").fetchone()
    assert head is not None
    everything = b"".join(part if isinstance(part, bytes) else str(part).encode() for row in rows for part in row)
    everything += head[0].encode()
    for text in ("DOE^JANE", "PATIENT-4711", "19580714", "1.2.826", "St. Elsewhere", "secret-project"):
        assert text.encode() not in everything


def test_a_server_that_is_not_there(tmp_path: Path, key: bytes) -> None:
    pytest.importorskip("psycopg")
    address = f"postgresql://someone:hunter2@/nothing?host={tmp_path}"
    with pytest.raises(VaultError, match="does not answer") as caught:
        Vault.open(address, key)
    assert "hunter2" not in str(caught.value)


DISK = """
import errno, json, resource, signal, sys
from pathlib import Path
from deephealth.core.errors import StorageError
from deephealth.lake.vault.vault import Vault
place, key = json.loads(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
vault = Vault.open(Path(place), bytes.fromhex(key))
try:
    for batch in range(1000):
        vault.remember(f"P{batch}", uids=[f"1.{batch}.{i}" for i in range(50)])
        print(batch, flush=True)
except StorageError as error:
    print("full:", error.what.partition(": ")[2], flush=True)
"""


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, key: bytes) -> None:
    """A limit on the size of files stands in for the disk."""
    place = tmp_path / "v" / "a.vault"
    Vault.create(place, key, "chest").close()
    done = _start(DISK, place, key.hex())
    out, errors = done.communicate(timeout=100)
    assert done.returncode == 0, errors
    lines = out.splitlines()
    assert lines[-1].startswith("full:")
    with Vault.open(place, key) as vault:
        names = vault.pseudonyms()
        known = {subject: len(one.uids) for subject, one in vault.all_identifiers()}
        for batch in map(int, lines[:-1]):
            assert known[names.subject(f"P{batch}")] == 50
        vault.remember("one more")


def test_a_busy_disk_error_is_typed(tmp_path: Path, key: bytes) -> None:
    with Vault.create(tmp_path / "a.vault", key, "chest") as vault:
        vault.pseudonyms()
        vault._store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StorageError, match="can't be written"):
            vault.remember_many(Known(f"P{i}", "", DOE) for i in range(500))
        assert vault.patients() == 0
