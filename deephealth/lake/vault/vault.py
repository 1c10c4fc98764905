"""The vault of one project: its keys, and who is behind a pseudonym."""

from __future__ import annotations

import base64
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias

from deephealth.core.errors import StorageError, VaultError
from deephealth.lake.audit.event import Kind, current_user
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.vault import header as headers
from deephealth.lake.vault import lifecycle
from deephealth.lake.vault.backends import connect, make
from deephealth.lake.vault.keys import Key, bind_key_file, derive, generate_key
from deephealth.lake.vault.mapping import write_mapping
from deephealth.lake.vault.rows import Entry, RowCodec
from deephealth.lake.vault.safety import refuse_bad_places, refuse_inside_lake
from deephealth.lake.vault.store import Store, pages

__all__ = ["Audit", "Identity", "Known", "Vault", "tombstone"]

Audit: TypeAlias = Callable[[str, Mapping[str, Any]], object]
"""Called with the kind of event and its facts before the vault answers; when it raises, nothing is answered."""

_TOGETHER = 4096  # objects per look-up
_TEXTS = ("names", "numbers", "dates", "places")


@dataclass(frozen=True, slots=True)
class Known:
    """What an intake learned about one patient.

    Args:
        patient: the hospital's number.
        issuer: who gave the number.
        identifiers: names, numbers, dates, places.
        uids: object identifiers as they came.
    """

    patient: str
    issuer: str = ""
    identifiers: Identifiers = field(default_factory=Identifiers)
    uids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is behind a pseudonym.

    Args:
        patient: the hospital's number.
        issuer: who gave it.
        uids: the subject's new object identifiers, and what they were.
    """

    patient: str
    issuer: str
    uids: Mapping[str, str]


class Vault:
    """The vault of one project; made by :meth:`create`, opened by :meth:`open`.

    Everything in it is sealed with AES-256-GCM under the vault's key and found by keyed hashes, so its file, its
    backups and its database server hold nothing that can be read or guessed; without the key one sees how many patients
    there are and how many rows each has. It may be used by several processes at once, and every change is on disk when
    the call returns. Workers get :meth:`pseudonyms`, never the vault.

    Example:
        >>> import tempfile
        >>> key, place = generate_key(), Path(tempfile.mkdtemp()) / "chest.vault"
        >>> vault = Vault.create(place, key, "chest")
        >>> vault.remember("4711", identifiers=Identifiers.of(names=["DOE^JANE"]))
        >>> vault.identifiers("4711").names
        frozenset({'DOE^JANE'})
        >>> vault.close()
    """

    def __init__(
        self, store: Store, unlocked: headers.Unlocked, audit: Audit | None, location: Path | str, lake: Path | None
    ) -> None:
        self._store, self._unlocked, self._audit = store, unlocked, audit
        self._location, self._lake = location, lake

    @classmethod
    def create(
        cls,
        location: Path | str,
        key: Key,
        project: str,
        *,
        lake: Path | None = None,
        audit: Audit | None = None,
        project_key: bytes | None = None,
    ) -> Self:
        """Make the vault of a new project.

        Args:
            location: a new file outside the lake, or an address such as ``postgresql://server/database``.
            key: the vault's key; a key file is tied to the project.
            project: the project's name.
            lake: the lake's folder, so that the vault is not put into it.
            audit: called before every answer that has to be recorded.
            project_key: the key of the same project on another machine; random when left out.

        Raises:
            VaultError: there's a vault already; the key serves another project; the vault would lie in the lake or
                beside its key.
            StorageError: it can't be written.
        """
        if not project.strip():
            raise VaultError("a vault needs its project's name", allowed="at least one character")
        refuse_bad_places(location, key, lake)
        if isinstance(key, Path):
            bind_key_file(key, project)
        header, unlocked = headers.new_header(key, project)
        secrets = {name: generate_key() for name in ("project", "quarantine", "audit", "purposes")}
        secrets["project"] = project_key or secrets["project"]
        Pseudonyms(secrets["project"])  # refuses a key of another length
        row = unlocked.codec.row(_secrets_entry(secrets))
        return cls(make(location, header, [row]), unlocked, audit, location, lake)

    @classmethod
    def open(
        cls,
        location: Path | str,
        key: Key,
        *,
        project: str | None = None,
        lake: Path | None = None,
        audit: Audit | None = None,
    ) -> Self:
        """Open a vault.

        Args:
            location: as for :meth:`create`.
            key: the vault's key.
            project: what the project must be.
            lake: the lake's folder, which must not hold the vault.
            audit: called before every answer that has to be recorded.

        Raises:
            VaultError: it is missing, damaged, destroyed (then it says when, by whom and why), of another project or a
                newer version; the key is another one or lies beside the vault; the vault lies in the lake.
        """
        refuse_bad_places(location, key, lake)
        store = connect(location)
        try:
            with store.reading():
                header = store.header()
            if header.get(lifecycle.CLEARING):  # a process was killed before it could
                lifecycle.clear(store)
            unlocked = headers.unlock(header, key, store.name)
            if project is not None and unlocked.project != project:
                raise VaultError(
                    f"{store.name} belongs to another project",
                    allowed=f"the vault of the project '{project}'",
                    hint="each project has its own vault and its own key",
                )
            if isinstance(key, Path):
                with suppress(StorageError):  # a key on a medium that can't be written
                    bind_key_file(key, unlocked.project)
        except BaseException:
            store.close()
            raise
        return cls(store, unlocked, audit, location, lake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self._store.name!r}, generation={self._unlocked.generation})"

    def __reduce__(self) -> str:
        raise TypeError("a vault does not go to another process: give workers vault.pseudonyms()")

    def close(self) -> None:
        """Give up the connection; the next use opens it again."""
        self._store.close()

    def attach(self, audit: Audit) -> None:
        """Tell an audit from now on; for an audit whose own key comes from this vault."""
        self._audit = audit

    # keys

    @property
    def project(self) -> str:
        """The project's name."""
        return self._unlocked.project

    @property
    def generation(self) -> int:
        """How often the vault's key was changed, from 1."""
        return self._unlocked.generation

    def pseudonyms(self) -> Pseudonyms:
        """Return the project's pseudonyms.

        Raises:
            VaultError: the project's key is being changed (see :mod:`deephealth.lake.vault.renewal`).
        """
        secrets = self._secrets()
        if "next" in secrets:
            raise VaultError(
                "the project's key is being changed: the lake holds old and new pseudonyms",
                hint="finish the change first: `deephealth lake vault renew`",
            )
        return Pseudonyms(secrets["project"])

    def quarantine_key(self) -> bytes:
        """Return the key that quarantined files are sealed with: 32 bytes."""
        return self._secrets()["quarantine"]

    def audit_key(self) -> bytes:
        """Return the key that chains the audit log: 32 bytes."""
        return self._secrets()["audit"]

    def key_for(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for another purpose, such as the keyed hashes of an intake's journal."""
        return derive(self._secrets()["purposes"], b"", f"purpose {purpose}")

    # identities

    def remember(
        self,
        patient: str,
        issuer: str = "",
        identifiers: Identifiers = Identifiers(),  # noqa: B008 - frozen
        uids: Iterable[str] = (),
    ) -> None:
        """Add to what is known about a patient; on disk when it returns.

        Raises:
            DataError: the number is empty.
            StorageError: the disk is full; what was known before is untouched.
        """
        self.remember_many([Known(patient, issuer, identifiers, frozenset(uids))])

    def remember_many(self, known: Iterable[Known]) -> None:
        """Add to what is known about many patients; on disk when it returns.

        Args:
            known: a patient may come up several times.

        Raises:
            DataError: a number is empty; nothing of this batch is kept.
            StorageError: the disk is full; what was known before is untouched.
        """
        batch: dict[str, list[Known]] = {}
        with self._writing():
            names = Pseudonyms(self._secrets_now()["project"])
            for number, one in enumerate(known, 1):
                batch.setdefault(names.subject(one.patient, one.issuer), []).append(one)
                if number % _TOGETHER == 0:
                    self._keep(batch)
                    batch.clear()
            self._keep(batch)

    def identifiers(self, patient: str, issuer: str = "") -> Identifiers:
        """Return what is known to identify a patient; nothing for a patient never seen.

        Raises:
            DataError: the number is empty.
        """
        with self._reading():
            subject = Pseudonyms(self._secrets_now()["project"]).subject(patient, issuer)
            owner = self._codec.lookup("owner", subject)
            return _gathered(self._codec.entry(row) for row in pages(self._store, ("patient", "uid"), owner=owner))

    def all_identifiers(self) -> Iterator[tuple[str, Identifiers]]:
        """Yield each subject's pseudonym with what identifies the patient, in no telling order; recorded once."""
        self.record(Kind.VAULT_READ, {"what": "all identifiers"})
        for subject, entries in itertools.groupby(self.entries("patient", "uid"), key=lambda entry: entry.owner):
            yield subject, _gathered(entries)

    def patients(self) -> int:
        """Return how many patients the vault knows."""
        with self._reading():
            return self._store.count("patient")

    def reidentify(self, subject: str, *, reason: str, who: str = "") -> Identity:
        """Return who is behind a pseudonym; recorded before it is answered.

        Args:
            subject: the pseudonym.
            reason: why it has to be known; at least one word.
            who: who asks; the user of this process when left out.

        Raises:
            VaultError: no reason, no audit, or the pseudonym is unknown.
        """
        self.record_release(Kind.REIDENTIFY, {"subject": subject, "by": who or current_user()}, reason)
        with self._reading():
            owner = self._codec.lookup("owner", subject)
            entries = [self._codec.entry(row) for row in pages(self._store, ("patient", "uid"), owner=owner)]
            names = Pseudonyms(self._secrets_now()["project"])
        for entry in entries:
            if entry.kind == "patient":
                uids = {names.uid(one.value["uid"]): one.value["uid"] for one in entries if one.kind == "uid"}
                return Identity(entry.value["patient"], entry.value["issuer"], uids)
        raise VaultError("nobody is known by this pseudonym", hint="is it of this project?")

    def forget(self, patient: str, issuer: str = "") -> int:
        """Remove what is known about a patient, but for consent; return how many rows that were.

        Raises:
            DataError: the number is empty.
        """
        with self._writing():
            subject = Pseudonyms(self._secrets_now()["project"]).subject(patient, issuer)
            owner = self._codec.lookup("owner", subject)
            removed = sum(self._store.delete(kind, owner) for kind in ("patient", "uid"))
            self._store.put_header({**self._store.header(), lifecycle.CLEARING: True})
        lifecycle.clear(self._store)
        return removed

    # the life of a vault

    def rotate(self, new_key: Key) -> None:
        """Change the vault's key: everything is sealed anew, in one step; pseudonyms stay as they are.

        A process that is killed meanwhile leaves the vault under the old key or under the new one. Other processes that
        hold the vault open must open it again. Backups made before still open with the old key.

        Args:
            new_key: another key; a key file is tied to the project.

        Raises:
            VaultError: the new key is the old one, serves another project, or lies beside the vault.
            StorageError: the disk is full; the old key stays valid.
        """
        refuse_bad_places(self._location, new_key, self._lake)
        self.record(Kind.ROTATE, {"what": "the vault's key"})
        self._unlocked = lifecycle.rotate(self._store, self._unlocked, new_key, self._writing)

    def destroy(self, *, who: str = "", why: str) -> headers.Tombstone:
        """Destroy the project's key and all that links a pseudonym to a patient; this can't be undone.

        What stays is the tombstone, and the audit log's key, sealed under the vault's key. Backups of the vault, and
        an exported project key, are not reached: whoever has them and the vault's key can still link.

        Args:
            who: who decided it; the user of this process when left out.
            why: the reason, at least one word.

        Raises:
            VaultError: no reason, or a destroyed vault.
            StorageError: the disk is full.
        """
        if not why.strip():
            raise VaultError("destroying a vault needs a reason", hint="say why, for example why='end of the study'")
        who = who or current_user()
        self.record(Kind.DESTROY, {"by": who, "reason": why})
        return lifecycle.destroy(self._store, self._unlocked, who, why, self._writing)

    def export(self, folder: Path, *, reason: str, key: bytes | None, who: str = "") -> tuple[Path, ...]:
        """Write the tables that lead from originals to pseudonyms; recorded before they are written.

        ``patient_id_mapping.csv`` and ``uid_mapping.csv``, each with the columns ``id_old`` and ``id_new``, as the
        MIDI-B challenge has them.

        Args:
            folder: where to; outside the lake.
            reason: why, at least one word.
            key: 32 bytes to seal the tables with (see :func:`deephealth.lake.vault.sealed.open_file`, the context is
                the file's name without ``.sealed``); ``None`` writes them in the clear, readable by their owner only.
            who: who asks; the user of this process when left out.

        Returns:
            the files.

        Raises:
            VaultError: no reason, no audit, or a folder in a lake.
            StorageError: they can't be written.
        """
        refuse_inside_lake(folder)
        self.record_release(Kind.EXPORT, {"what": "mapping", "by": who or current_user()}, reason)
        names = self.pseudonyms()
        patients = ((e.value["patient"], e.name) for e in self.entries("patient"))
        uids = ((e.value["uid"], names.uid(e.value["uid"])) for e in self.entries("uid"))
        return (
            write_mapping(folder / "patient_id_mapping.csv", patients, key),
            write_mapping(folder / "uid_mapping.csv", uids, key),
        )

    # for the parts of the vault that have files of their own

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """Yield everything of some kinds, the entries of one subject together; memory is bounded by one page."""
        after = None
        while True:
            with self._reading():
                rows = self._store.scan(kinds, after, 1000)
            if not rows:
                return
            yield from (self._codec.entry(row) for row in rows)
            after = rows[-1].place

    def find(self, kind: str, names: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of a kind that exist, by name."""
        by_lookup = {self._codec.lookup(kind, name): name for name in names}
        with self._reading():
            rows = self._store.get(kind, list(by_lookup))
        return {by_lookup[lookup]: self._codec.entry(row) for lookup, row in rows.items()}

    @contextmanager
    def changing(self) -> Iterator[Callable[[Iterable[Entry]], None]]:
        """Give a function that writes entries; what the block reads and writes is one step, one writer at a time."""
        with self._writing():
            yield lambda entries: self._store.put(map(self._codec.row, entries))

    def rewrite(self, change: Callable[[Entry], Entry]) -> None:
        """Replace every entry by what a function makes of it, in one step.

        Raises:
            StorageError: the disk is full; nothing was changed.
        """
        codec = self._codec
        with self._writing():
            old = pages(self._store, lifecycle.KINDS)
            self._store.replace_all(codec.row(change(codec.entry(row))) for row in old)
            self._store.put_header({**self._store.header(), lifecycle.CLEARING: True})
        lifecycle.clear(self._store)

    def record_release(self, event: Kind, facts: Mapping[str, Any], reason: str) -> None:
        """Tell the audit that something leaves the vault.

        Raises:
            VaultError: there's no reason, or no audit: then it does not leave.
        """
        if not reason.strip():
            raise VaultError("what leaves the vault needs a reason", hint="say why: reason='incidental finding'")
        if self._audit is None:
            raise VaultError("what leaves the vault is recorded: there's no audit", hint="open it with audit=...")
        self.record(event, {**facts, "reason": reason})

    def project_key(self) -> bytes:
        """Return the key of the pseudonyms, for taking it to a second machine.

        Raises:
            VaultError: it is being changed.
        """
        self.pseudonyms()
        return self._secrets()["project"]

    @property
    def _codec(self) -> RowCodec:
        return self._unlocked.codec

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._store.reading():
            self._refuse_changed()
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._store.writing():
            self._refuse_changed()
            yield

    def _refuse_changed(self) -> None:
        header = self._store.header()
        headers.refuse_unusable(header, self._store.name)
        if (header.get("vault"), header.get("generation")) != (self._unlocked.vault, self._unlocked.generation):
            raise VaultError(f"the key of {self._store.name} was changed meanwhile", hint="open it with the new key")

    def record(self, event: Kind, facts: Mapping[str, Any]) -> None:
        """Tell the audit, where there's one; when it raises, nothing is done."""
        if self._audit is not None:
            self._audit(event, facts)

    def _secrets(self) -> dict[str, bytes]:
        with self._reading():
            return self._secrets_now()

    def _secrets_now(self) -> dict[str, bytes]:
        lookup = self._codec.lookup("secret", "keys")
        row = self._store.get("secret", [lookup]).get(lookup)
        if row is None:
            raise VaultError(f"{self._store.name} has lost its keys", hint="restore it from its backup")
        return {name: base64.b64decode(text) for name, text in self._codec.entry(row).value.items()}

    def _keep(self, batch: Mapping[str, list[Known]]) -> None:
        """Write what is new in a batch, by subject."""
        patients = {self._codec.lookup("patient", subject): subject for subject in batch}
        rows = self._store.get("patient", list(patients))
        old = {patients[lookup]: self._codec.entry(row) for lookup, row in rows.items()}
        fresh = [_patient_entry(subject, known, old.get(subject)) for subject, known in batch.items()]
        uids = {f"{subject}\x1f{uid}": (subject, uid) for subject, known in batch.items() for uid in _uids(known)}
        by_lookup = {self._codec.lookup("uid", name): name for name in uids}
        for lookup in self._store.get("uid", list(by_lookup)):
            del by_lookup[lookup]
        fresh += [Entry("uid", name, uids[name][0], {"uid": uids[name][1]}) for name in by_lookup.values()]
        self._store.put(self._codec.row(entry) for entry in fresh if old.get(entry.name) != entry)


def tombstone(location: Path | str, key: Key | None = None) -> headers.Tombstone | None:
    """Return the tombstone of a destroyed vault, or ``None`` when it lives.

    Args:
        location: as for :meth:`Vault.create`.
        key: the vault's key; with it the tombstone holds the audit log's key.

    Raises:
        VaultError: there's no vault, or the key is another one.
    """
    store = connect(location)
    try:
        with store.reading():
            return headers.tombstone_of(store.header(), key, store.name)
    finally:
        store.close()


def _secrets_entry(secrets: Mapping[str, bytes]) -> Entry:
    return Entry("secret", "keys", "", {name: base64.b64encode(key).decode() for name, key in secrets.items()})


def _uids(known: Iterable[Known]) -> set[str]:
    found = (uid.strip(" \0") for one in known for uid in itertools.chain(one.uids, one.identifiers.uids))
    return {uid for uid in found if uid}


def _patient_entry(subject: str, known: list[Known], old: Entry | None) -> Entry:
    """Join what is known about a patient with what was known before."""
    texts: dict[str, set[str]] = {kind: set(old.value[kind]) if old else set() for kind in _TEXTS}
    for one in known:
        for kind, values in texts.items():
            values.update(value.strip() for value in getattr(one.identifiers, kind))
    number, issuer = (old.value["patient"], old.value["issuer"]) if old else (known[0].patient, known[0].issuer)
    number = number.strip(" \0\t\r\n")
    texts["numbers"].add(number)
    lists = {kind: sorted(values - {""}) for kind, values in texts.items()}
    return Entry("patient", subject, subject, {"patient": number, "issuer": issuer.strip(), **lists})


def _gathered(entries: Iterable[Entry]) -> Identifiers:
    """Return what the rows of one subject know."""
    texts, uids = Identifiers(), set()
    for entry in entries:
        if entry.kind == "uid":
            uids.add(entry.value["uid"])
        else:
            texts = Identifiers.of(**{kind: entry.value[kind] for kind in _TEXTS})
    return dataclasses.replace(texts, uids=frozenset(uids))
