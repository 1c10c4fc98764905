from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import CheckpointError, StorageError
from deephealth.train import checkpoint as checkpointing
from deephealth.train import failpoints
from deephealth.train.checkpoint import CheckpointStore

WRITES = ("before-weights", "after-weights", "before-fsync", "before-rename")
POINTS = (*WRITES, "after-rename", "before-prune")


def save(store: CheckpointStore, step: int, **state: Any) -> Path:
    weights = {"w": torch.full((2, 3), float(step))}
    return store.save(
        weights, {"step": step, "t": torch.arange(5), **state}, step=step, epoch=step // 10, config_hash="c"
    )


def names(store: CheckpointStore) -> list[str]:
    return [path.name for path in store.paths()]


def test_save_and_load(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = save(store, 12, nested={3: (1.5, None)})
    assert path.name == "step-00000012"
    assert sorted(os.listdir(path)) == ["manifest.json", "state.json", "state.safetensors", "weights.safetensors"]
    found = store.load(path)
    assert (found.step, found.epoch, found.config_hash) == (12, 1, "c")
    assert torch.equal(found.weights["w"], torch.full((2, 3), 12.0))
    assert found.state["nested"] == {3: (1.5, None)}
    assert os.listdir(tmp_path) == ["step-00000012"]


def test_newest_is_by_step_and_nothing_is_replaced(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (100_000_000, 5, 20, 20):
        save(store, step)
    assert names(store) == ["step-00000005", "step-00000020", "step-00000020-2", "step-100000000"]
    assert store.newest_valid().step == 100_000_000


def test_tied_and_channels_last_weights_are_kept(tmp_path: Path) -> None:
    shared = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    store = CheckpointStore(tmp_path)
    found = store.load(store.save({"a": shared, "b": shared}, {}, step=1, epoch=0)).weights
    assert torch.equal(found["a"], shared)
    assert torch.equal(found["b"], shared)


def test_prune_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep=2)
    for step in range(1, 7):
        save(store, step)
    store.prune(best="step-00000002")
    assert names(store) == ["step-00000002", "step-00000005", "step-00000006"]
    assert len(os.listdir(tmp_path)) == 3


def test_best_pointer(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.best() is None
    path = save(store, 4)
    store.write_best(checkpoint=path.name, metric="val_loss", score=0.5, epoch=0)
    assert store.best() == path
    (tmp_path / "best.json").write_text(json.dumps({"checkpoint": "../elsewhere"}))
    assert store.best() is None


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_every_flipped_bit_is_found_before_parsing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("flip")
    store = CheckpointStore(folder)
    save(store, 1)
    path = save(store, 2)
    target = path / data.draw(st.sampled_from(sorted(os.listdir(path))))
    blob = bytearray(target.read_bytes())
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    target.write_bytes(blob)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpointing, "decode", lambda *_: pytest.fail("parsed before it was verified"))
        with pytest.raises(CheckpointError, match=r"damaged|incomplete"):
            store.load(path)
    assert store.newest_valid().step == 1


def test_every_truncation_is_found(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = save(store, 2)
    for name in sorted(os.listdir(path)):
        blob = (path / name).read_bytes()
        for percent in range(0, 100, 4):
            (path / name).write_bytes(blob[: len(blob) * percent // 100])
            with pytest.raises(CheckpointError):
                store.load(path)
        (path / name).unlink()
        with pytest.raises(CheckpointError):
            store.load(path)
        (path / name).write_bytes(blob)
    assert store.load(path).step == 2


def test_swapped_files_are_found(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    one, two = save(store, 1), save(store, 2)
    (two / "weights.safetensors").write_bytes((one / "weights.safetensors").read_bytes())
    assert store.newest_valid().step == 1


def test_damaged_ones_are_set_aside_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3):
        save(store, step)
    (tmp_path / "step-00000003" / "manifest.json").unlink()
    (tmp_path / "step-00000002" / "state.json").write_text("{}")
    assert store.newest_valid().step == 1
    assert caplog.text.count("falling back to step-00000001") == 2
    assert names(store) == ["step-00000001"]
    save(store, 2)
    store.prune()
    assert sorted(os.listdir(tmp_path)) == ["step-00000001", "step-00000002"]


def test_none_valid(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="there are no checkpoints"):
        store.newest_valid()
    store = CheckpointStore(tmp_path)
    (save(store, 1) / "weights.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="SHA-256"):
        store.newest_valid()
    assert names(store) == ["step-00000001"]


def test_other_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CheckpointStore(tmp_path)
    monkeypatch.setattr(checkpointing, "FORMAT", 99)
    path = save(store, 1)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 99"):
        store.load(path)


@pytest.mark.parametrize("code", ["ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS"])
@pytest.mark.parametrize("point", WRITES)
def test_failed_write_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, code: str
) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT", point)
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT_ERROR", code)
    with pytest.raises(StorageError, match="saving a checkpoint failed") as caught:
        save(store, 2)
    assert caught.value.hint
    assert os.listdir(tmp_path) == ["step-00000001"]
    monkeypatch.undo()
    save(store, 2)  # works once there is space again
    assert store.newest_valid().step == 2


def test_each_write_call_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    calls = {"n": 0, "fail": 0}

    def failing(real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            calls["n"] += 1
            if calls["n"] == calls["fail"]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    monkeypatch.setattr(os, "rename", failing(os.rename))
    monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir))
    while True:
        calls |= {"n": 0, "fail": calls["fail"] + 1}
        try:
            save(store, 2)
        except StorageError:
            assert store.newest_valid().step in (1, 2)  # 2 only if the last flush of the parent folder was what failed
            assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
        else:
            break
    assert calls["fail"] >= 8
    assert store.newest_valid().step == 2


def test_prune_failure_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT", "before-prune")
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT_ERROR", "EROFS")
    with pytest.raises(StorageError, match="deleting"):
        store.prune()


def test_failpoints_count(monkeypatch: pytest.MonkeyPatch) -> None:
    failpoints._passed.clear()
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT", "here:3")
    monkeypatch.setenv("DEEPHEALTH_FAILPOINT_ERROR", "EIO")
    for name in ("here", "there", "here"):
        failpoints.failpoint(name)
    with pytest.raises(OSError, match="Input/output"):
        failpoints.failpoint("here")


CHILD = """
import sys, torch
from deephealth.train.checkpoint import CheckpointStore
store = CheckpointStore(sys.argv[1], keep=2)
import os
for point in sys.argv[2].split(","):
    child = os.fork()
    if child == 0:
        os.environ["DEEPHEALTH_FAILPOINT"] = point
        store.save({"w": torch.ones(3)}, {"n": 2}, step=2, epoch=0)
        store.prune()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found, left = store.newest_valid(), sorted(os.listdir(sys.argv[1]))
    removed = store.clean()
    print(point, os.waitstatus_to_exitcode(status), found.step, len(left), len(removed), len(os.listdir(sys.argv[1])))
"""


def test_kill_between_any_two_steps(tmp_path: Path) -> None:
    save(CheckpointStore(tmp_path), 1)
    command = [sys.executable, "-c", CHILD, str(tmp_path), ",".join(POINTS)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(POINTS)
    committed = 1
    for point, status, step, entries, removed, after in lines:
        committed += point not in WRITES
        assert int(status) == -signal.SIGKILL
        assert int(step) == (1 if point in WRITES else 2)
        assert (int(entries), int(removed)) == ((committed + 1, 1) if point in WRITES else (committed, 0))
        assert int(after) == committed
