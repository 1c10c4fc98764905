"""Taking one subject out of the files that many subjects share: tables, cohorts, the index."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from deephealth.core.files import atomic_write, atomic_write_json, sha256
from deephealth.io.dataset_yaml import YamlDataset, YamlSample, read_dataset_yaml, write_dataset_yaml
from deephealth.lake.catalogue.cohort import DATASET_FILE, MANIFEST, read_manifest
from deephealth.lake.catalogue.index import Index, index_path, open_index, write_index
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import TABLES
from deephealth.lake.layout.published import Entry

__all__ = ["forget_in_cohort", "forget_in_index", "forget_in_tables", "forget_in_write_ahead_logs"]

_TABLES = (".tsv", ".csv")


def forget_in_tables(lake: LakeFolder, subject: str) -> dict[str, int]:
    """Remove the rows that name a subject from every table of the lake.

    Returns:
        Path of each table that changed, relative to the lake, and how many of its rows went.

    A row names it when one of its cells holds the pseudonym as a word, such as ``sub-X`` or a path with it.
    """
    changed = {}
    for top in (lake.rawdata, lake.derivatives, lake.catalogue):
        for path in sorted(one for one in top.rglob("*") if one.suffix in _TABLES and one.is_file()):
            if rows := _forget_rows(path, subject):
                changed[path.relative_to(lake.root).as_posix()] = rows
    return changed


def _forget_rows(path: Path, subject: str) -> int:
    data = path.read_bytes()
    if subject.encode() not in data:
        return 0
    text = data.decode("utf-8-sig", errors="surrogateescape")
    lines = _lines(text)
    word = re.compile(rf"(?<![0-9A-Za-z]){subject}(?![0-9A-Za-z])")
    kept = [line for at, line in enumerate(lines) if at == 0 or not word.search(line)]
    content = "".join(kept).encode("utf-8", errors="surrogateescape")
    atomic_write(path, b"\xef\xbb\xbf" + content if data.startswith(b"\xef\xbb\xbf") else content)
    return len(lines) - len(kept)


def _lines(text: str) -> list[str]:
    """Split a table into its rows as they stand in the file; a quoted cell may hold line breaks."""
    rows: list[str] = []
    row = ""
    for line in text.splitlines(keepends=True):
        row += line
        if row.count('"') % 2 == 0:
            rows.append(row)
            row = ""
    return [*rows, row] if row else rows


def forget_in_cohort(folder: Path, subject: str) -> int:
    """Remove a subject's images, samples and objects from a cohort; returns how many files went.

    The cohort keeps its name and its id; the manifest says that somebody was withdrawn, and loses its signature, which
    was for another content.

    Raises:
        DataError: the cohort's files are damaged.
    """
    if not (folder / MANIFEST).is_file():
        return 0
    manifest = read_manifest(folder)
    gone = {image["file"] for image in manifest["images"] if image["subject"] == subject}
    count = 0
    for name in gone:
        count += (folder / name).is_file()
        (folder / name).unlink(missing_ok=True)
    if (folder / DATASET_FILE).is_file():
        dataset = read_dataset_yaml(folder / DATASET_FILE)
        smaller = _without(dataset, subject)
        if len(smaller.samples) < len(dataset.samples):
            write_dataset_yaml(smaller, folder / DATASET_FILE)
    if subject in manifest["subjects"] or gone:
        atomic_write_json(folder / MANIFEST, _smaller_manifest(manifest, folder, subject))
    return count


def _without(dataset: YamlDataset, subject: str) -> YamlDataset:
    def holds(sample: YamlSample) -> bool:
        return subject in sample.values.values() or any(subject in path.name for path in sample.location)

    stay = [at for at, sample in enumerate(dataset.samples) if not holds(sample)]
    number = {old: new for new, old in enumerate(stay)}
    split = {name: tuple(number[at] for at in members if at in number) for name, members in dataset.split.items()}
    return replace(dataset, samples=tuple(dataset.samples[at] for at in stay), split=split)


def _smaller_manifest(manifest: dict[str, Any], folder: Path, subject: str) -> dict[str, Any]:
    smaller = {key: value for key, value in manifest.items() if key != "signature"}
    smaller["subjects"] = [name for name in manifest["subjects"] if name != subject]
    smaller["images"] = [image for image in manifest["images"] if image["subject"] != subject]
    smaller["objects"] = [one for one in manifest["objects"] if one["subject"] != subject]
    smaller["withdrawn"] = int(manifest.get("withdrawn", 0)) + 1
    smaller["counts"] = _counts(folder, manifest)
    smaller["dataset_sha256"] = sha256(folder / DATASET_FILE)
    return smaller


def _counts(folder: Path, manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Count images by split and label, from the data set file that is without the subject by now."""
    dataset = read_dataset_yaml(folder / DATASET_FILE)
    names = dict(zip(manifest["counts"], dataset.split.values(), strict=False))
    return {
        name: dict(
            Counter("" if (of := dataset.samples[at].label) is None else dataset.classes[of[0]] for at in members)
        )
        for name, members in names.items()
    }


def forget_in_index(lake: LakeFolder, subject: str) -> None:
    """Write the index without a subject, and with the new digests of tables whose rows went."""
    if not index_path(lake).is_file():
        return
    with open_index(lake) as index:
        entries = [_current(lake, entry) for entry in _others(index, subject)]
    write_index(lake, entries)


def _others(index: Index, subject: str) -> list[Entry]:
    return list(index.objects("subject <> ?", [subject]))


def _current(lake: LakeFolder, entry: Entry) -> Entry:
    if entry.facts.format not in TABLES:
        return entry
    path = lake.root / entry.path
    if not path.is_file():
        return entry
    return replace(entry, facts=replace(entry.facts, sha256=sha256(path), bytes=path.stat().st_size))


def forget_in_write_ahead_logs(lake: LakeFolder) -> None:
    """Empty the write-ahead logs of SQLite, in which deleted rows can be read until they are written over.

    A log that another process is reading stays; the search for traces will say so.
    """
    for path in sorted(lake.state.glob("*.sqlite")):
        with closing(sqlite3.connect(path, timeout=5)) as database:
            try:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:  # busy, or no database at all
                continue
