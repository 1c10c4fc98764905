"""The audit log: everything that is changed is noticed, nothing that was answered is lost."""

from __future__ import annotations

import datetime
import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import AuditError, StorageError
from deephealth.lake.audit.chain import START, Chain, Head
from deephealth.lake.audit.event import AuditEvent, Kind
from deephealth.lake.audit.log import AuditLog

KEY = bytes(range(32))


def _filled(folder: Path, count: int = 40, **options: int) -> AuditLog:
    log = AuditLog(folder, KEY, **options)
    for number in range(count):
        log.append(AuditEvent(Kind.INTAKE, f"folder {number}", {"released": number}, {"profile": "research"}))
    return log


def test_what_is_recorded(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", KEY)
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    mac = log.append(AuditEvent(Kind.EXPORT, "Müller's table", {"rows": 3}, {"reason": "ü\n"}, "steward", when))
    lines = (tmp_path / "audit" / "audit-000001.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0]) == {
        "seq": 1,
        "prev": START,
        "time": "2024-01-02T03:04:05.000+00:00",
        "kind": "export",
        "who": "steward",
        "what": "Müller's table",
        "counts": {"rows": 3},
        "facts": {"reason": "ü\n"},
        "mac": mac,
    }
    assert [event["who"] for event in log.events()] == ["steward"]
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "audit").glob("audit-*")} == {0}
    report = log.verify()
    assert (report.ok, report.events, report.files, report.first) == (True, 1, 1, "2024-01-02T03:04:05.000+00:00")


def test_who_is_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "steward")
    assert AuditEvent(Kind.LOGIN).who == "steward"


def test_a_vault_records_by_kind(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, KEY)
    log.record("export", {"rows": 3})
    assert [(event["kind"], event["facts"]) for event in log.events()] == [("export", {"rows": 3})]
    with pytest.raises(AuditError, match="no event 'lunch'"):
        log.record("lunch", {})


def test_events_that_cannot_be_written() -> None:
    with pytest.raises(AuditError, match="can't write"):
        AuditEvent(Kind.LOGIN, facts={"x": object()})
    with pytest.raises(AuditError, match="too long"):
        AuditEvent(Kind.LOGIN, "x" * 100_000)


def test_a_log_goes_on_in_another_process_and_file(tmp_path: Path) -> None:
    _filled(tmp_path, 30, file_bytes=2000)
    log = _filled(tmp_path, 30, file_bytes=2000)
    assert len(log.files()) > 3
    report = log.verify()
    assert (report.ok, report.events, report.files) == (True, 60, len(log.files()))
    assert [event["counts"]["released"] for event in log.events()] == [*range(30), *range(30)]


def _change(draw: random.Random, files: list[Path]) -> str:
    """Do one thing that an attacker without the key could do; the files are read as they are on the disk."""
    path = draw.choice(files)
    lines = path.read_bytes().splitlines(keepends=True)
    at = draw.randrange(len(lines))
    action = draw.choice(["bit", "field", "insert", "delete", "swap", "double", "shuffle", "cut", "cut line", "file"])
    line = bytearray(lines[at])
    if action == "bit":
        line[draw.randrange(len(line))] ^= 1 << draw.randrange(8)
        lines[at] = bytes(line)
    elif action == "field":
        event = json.loads(lines[at])
        event[draw.choice(["seq", "prev", "mac", "who", "what", "time", "kind"])] = draw.choice(["x", 1, "0" * 64])
        lines[at] = json.dumps(event, separators=(",", ":")).encode() + b"\n"
    elif action == "insert":
        line[draw.randrange(len(line)) : 0] = draw.choice([b" ", b"\n", b"x", b"\r\n"])
        lines[at] = bytes(line)
    elif action in ("delete", "double"):
        lines[at : at + 1] = [] if action == "delete" else [lines[at]] * 2
    elif action == "swap":
        other = (at + 1) % len(lines)
        lines[at], lines[other] = lines[other], lines[at]
    elif action == "shuffle":
        draw.shuffle(lines)
    elif action == "cut":
        whole = b"".join(lines)
        lines = [whole[: draw.randrange(len(whole))]]
    elif action == "cut line":
        del lines[at:]
    else:
        path.unlink()
        return action
    path.write_bytes(b"".join(lines))
    return action


def test_a_thousand_changes_are_all_noticed(tmp_path: Path) -> None:
    """Edits, deletions, insertions, reorderings, doublings, truncations, in one of several files."""
    _filled(tmp_path / "whole", 40, file_bytes=3500)
    draw, seen, missed = random.Random(2026), set(), []
    files = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    folder = tmp_path / "changed"
    for number in range(1000):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        log = AuditLog(folder, KEY)
        assert len(log.files()) > 2
        while {path.name: path.read_bytes() for path in folder.iterdir()} == files:
            action = _change(draw, log.files())  # again, where a line took its own place
        report = log.verify()
        seen.add(action)
        if report.ok or report.problem is None:
            missed.append((number, action))
    assert not missed
    assert len(seen) == 10


@given(st.data())
def test_any_other_bytes_are_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("audit")
    path = _filled(folder, 3).files()[0]
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    changed = whole[:start] + data.draw(st.binary(max_size=30)) + whole[end:]
    path.write_bytes(changed)
    report = AuditLog(folder, KEY).verify()
    if changed == whole:
        assert report.ok
    elif changed.startswith(whole) and b"\n" not in changed[len(whole) :]:
        assert report.torn == len(changed) - len(whole)  # all that was recorded is there, and half a line is reported
    else:
        assert not report.ok


def test_the_first_broken_line_is_named(tmp_path: Path) -> None:
    log = _filled(tmp_path, 9)
    path = log.files()[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], lines[4].replace(b"folder 4", b"folder 9"), *lines[5:]]))
    problem = log.verify().problem
    assert problem is not None
    assert (problem.file, problem.line, problem.what) == (path.name, 5, "it was changed, or written with another key")
    path.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    problem = log.verify().problem
    assert problem is not None
    assert (problem.line, problem.what) == (5, "line 5 should stand here, not 6")
    path.write_bytes(b"".join(lines[:7]))
    problem = log.verify().problem
    assert problem is not None
    assert problem.what.startswith("2 lines are missing at the end")
    path.write_bytes(b"".join(lines[2:]))
    problem = log.verify().problem
    assert problem is not None
    assert problem.what == "2 lines are missing at the start"


def test_nothing_is_appended_to_a_broken_end(tmp_path: Path) -> None:
    log = _filled(tmp_path, 5)
    path, event = log.files()[0], AuditEvent(Kind.INTAKE)
    whole, head = path.read_bytes(), (tmp_path / "head").read_bytes()
    path.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(AuditError, match="was cut"):
        log.append(event)
    path.write_bytes(whole + whole.splitlines(keepends=True)[-1])
    with pytest.raises(AuditError, match="changed at its end"):
        log.append(event)
    path.write_bytes(whole + b"garbage\n")
    with pytest.raises(AuditError):
        log.append(event)
    path.write_bytes(whole)
    (tmp_path / "head").unlink()
    with pytest.raises(AuditError, match="is missing"):
        log.append(event)
    assert log.verify().problem.what.endswith("is missing")
    (tmp_path / "head").write_bytes(head.replace(b'"sequence":5', b'"sequence":4'))
    with pytest.raises(AuditError, match="was changed"):
        log.append(event)
    assert not log.verify().ok
    (tmp_path / "head").write_bytes(head)
    log.append(event)
    assert log.verify().ok


def test_another_key_is_refused(tmp_path: Path) -> None:
    _filled(tmp_path, 2)
    other = AuditLog(tmp_path, bytes(32))
    assert not other.verify().ok
    with pytest.raises(AuditError, match="another"):
        other.append(AuditEvent(Kind.INTAKE))
    with pytest.raises(AuditError, match="wrong length"):
        AuditLog(tmp_path, b"short")


def test_no_log_is_not_right(tmp_path: Path) -> None:
    report = AuditLog(tmp_path / "none", KEY).verify()
    assert not report.ok
    assert not (tmp_path / "none").exists()


class _Anchor:
    def __init__(self) -> None:
        self.head: bytes | None = None

    def load(self) -> bytes | None:
        return self.head

    def save(self, head: bytes) -> None:
        self.head = head


def test_an_anchor_notices_an_old_copy(tmp_path: Path) -> None:
    anchor = _Anchor()
    log = AuditLog(tmp_path / "audit", KEY, anchor=anchor)
    log.append(AuditEvent(Kind.INTAKE))
    shutil.copytree(tmp_path / "audit", tmp_path / "old")
    log.append(AuditEvent(Kind.REIDENTIFY))
    assert log.verify().ok
    shutil.rmtree(tmp_path / "audit")
    assert not log.verify().ok
    with pytest.raises(AuditError, match="ends before"):
        log.append(AuditEvent(Kind.INTAKE))
    shutil.rmtree(tmp_path / "audit")
    shutil.copytree(tmp_path / "old", tmp_path / "audit")
    assert AuditLog(tmp_path / "audit", KEY).verify().ok  # by itself an old copy is whole
    assert "1 lines are missing" in log.verify().problem.what
    with pytest.raises(AuditError, match="ends before"):
        log.append(AuditEvent(Kind.INTAKE))


# killed processes, full disks

WRITER = """
import sys
from pathlib import Path
from deephealth.lake.audit.event import AuditEvent, Kind
from deephealth.lake.audit.log import AuditLog
log = AuditLog(Path(sys.argv[1]), bytes(range(32)), file_bytes=20_000)
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    mac = log.append(AuditEvent(Kind.INTAKE, "x" * (number % 700), {"n": number}, {"by": sys.argv[2]}))
    print(mac, flush=True)
"""


def _writer(folder: Path, me: str, count: int = 100_000) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), me, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_kills_lose_nothing_that_was_answered(tmp_path: Path) -> None:
    draw, answered = random.Random(5), set()
    for number in range(6):
        running = [_writer(tmp_path, f"{number}{me}") for me in "ab"]
        for one in running:
            assert one.stdout.readline() == "ready\n"
        for _ in range(draw.randrange(25)):
            running[0].stdout.readline()
        for one in running:
            one.send_signal(signal.SIGKILL)
        for one in running:
            answered.update(line.strip() for line in one.communicate(timeout=60)[0].splitlines() if line.endswith("\n"))
        log = AuditLog(tmp_path, KEY)
        report = log.verify()
        assert report.problem is None
    log.append(AuditEvent(Kind.VERIFY))
    assert log.verify().torn == 0
    recorded = {json.loads(line)["mac"] for path in log.files() for line in path.read_text().splitlines()}
    assert {mac for mac in answered if len(mac) == 64} <= recorded


def test_two_processes_at_once(tmp_path: Path) -> None:
    running = [_writer(tmp_path, me, 60) for me in "ab"]
    for one in running:
        one.communicate(timeout=120)
        assert one.returncode == 0
    log = AuditLog(tmp_path, KEY)
    assert (log.verify().ok, log.verify().events) == (True, 120)
    for me in "ab":
        assert [event["counts"]["n"] for event in log.events() if event["facts"]["by"] == me] == list(range(60))


@pytest.mark.parametrize("before", [0, 1, 5])
def test_half_a_line_is_taken_away_and_recorded(tmp_path: Path, before: int) -> None:
    """As a kill in the middle of the write leaves it, at every place of the line."""
    log = _filled(tmp_path / "a", before)
    line, _ = log.chain.line(before + 1, log._head().mac, AuditEvent(Kind.INTAKE).to_dict())
    for cut in [*range(1, len(line), 23), len(line) - 1, len(line)]:
        folder = tmp_path / f"b{cut}"
        folder.mkdir()
        if before:
            shutil.copytree(tmp_path / "a", folder, dirs_exist_ok=True)
        with (folder / "audit-000001.jsonl").open("ab") as stream:
            stream.write(line[:cut])
        log = AuditLog(folder, KEY)
        whole = cut == len(line)
        report = log.verify() if before else None
        if report:
            assert report.problem is None
            assert report.torn == (0 if whole else cut)
        log.append(AuditEvent(Kind.INTAKE))
        report = log.verify()
        assert (report.ok, report.torn, report.repaired) == (True, 0, 0 if whole else 1)
        assert report.events == before + 2


def test_a_full_disk_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    log, write = _filled(tmp_path, 3), os.write

    def full(descriptor: int, content: bytes) -> int:
        write(descriptor, content[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StorageError, match="No space"):
            log.append(AuditEvent(Kind.INTAKE))
        patched.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:50]))
        with pytest.raises(StorageError):
            log.append(AuditEvent(Kind.INTAKE))
    assert (log.verify().ok, log.verify().events, log.verify().torn) == (True, 3, 0)
    log.append(AuditEvent(Kind.INTAKE))
    assert log.verify().events == 4


# retention


def _aged(folder: Path) -> AuditLog:
    """Three years of events, one file per few of them."""
    log = AuditLog(folder, KEY, file_bytes=1500)
    now = datetime.datetime.now(datetime.UTC)
    for days in range(1095, 0, -30):
        log.append(AuditEvent(Kind.INTAKE, "x", {"days": days}, when=now - datetime.timedelta(days=days)))
    return log


def test_old_files_go_and_the_rest_holds(tmp_path: Path) -> None:
    log = _aged(tmp_path)
    before = len(log.files())
    assert log.expire(10) == []
    gone = log.expire(2, who="steward")
    assert gone
    assert len(log.files()) == before - len(gone)
    report = log.verify()
    assert report.ok
    assert report.expired > 0
    kept = [event["counts"]["days"] for event in log.events() if event["kind"] == "intake"]
    assert max(kept) > 730  # a file goes when all of it is old
    assert set(range(15, 730, 30)) <= set(kept)
    assert [event["who"] for event in log.events() if event["kind"] == "expired"] == ["steward"]
    assert log.expire(1)
    assert log.verify().ok
    log.files()[0].unlink()
    assert not log.verify().ok


def test_a_kill_while_expiring_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = _aged(tmp_path)
    unlink, gone = Path.unlink, []

    def killed(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".jsonl":
            if gone:
                raise KeyboardInterrupt
            gone.append(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            log.expire(1)
    assert log.verify().ok
    assert log.expire(1)
    assert log.verify().ok


def test_nothing_is_removed_from_a_broken_log(tmp_path: Path) -> None:
    log = _aged(tmp_path)
    path = log.files()[1]
    path.write_bytes(path.read_bytes()[1:])
    with pytest.raises(AuditError, match="does not verify"):
        log.expire(1)
    with pytest.raises(AuditError, match="less than no time"):
        log.expire(-1)


def test_heads_are_sealed() -> None:
    chain = Chain(KEY)
    head = Head(3, "a" * 64, "audit-000001.jsonl", 500)
    sealed = chain.seal_head(head)
    assert chain.open_head(sealed) == head
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(AuditError):
            chain.open_head(bytes(changed))
