"""What the journal forgets is in none of its files any more, the write-ahead log among them."""

from __future__ import annotations

from pathlib import Path

from deephealth.lake.intake.journal import Journal

ROW = "INSERT INTO objects VALUES(?, 'chest', ?, ?, '', '', '', '{}', '{}', 1)"


def held(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_forgotten_rows_are_in_no_file_while_the_journal_is_open(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        with journal.transaction() as database:
            database.execute(ROW, ("SOURCE-GONE", "a/gone.dcm", "SUBJECT-GONE"))
            database.execute(ROW, ("SOURCE-STAYS", "b/stays.dcm", "SUBJECT-STAYS"))
        assert b"SUBJECT-GONE" in held(tmp_path)
        paths, _ = journal.forget("SUBJECT-GONE")
        assert paths == ["rawdata/chest/a/gone.dcm"]
        found = held(tmp_path)
        assert b"GONE" not in found
        assert b"gone.dcm" not in found
        assert b"SUBJECT-STAYS" in found
