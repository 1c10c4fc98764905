from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError, StorageError
from deephealth.kpi.legs import read_legs, total
from deephealth.kpi.recorder import LEGS, Recorder


def test_a_leg_is_timed_with_what_it_used(tmp_path):
    recorder = Recorder(tmp_path / "deep" / "kpi.jsonl")
    with recorder.leg("prepare", items=12, split="test") as leg:
        sum(range(200_000))
        leg.items = 13
    (found,) = read_legs(recorder.path)
    assert (found.name, found.items, found.status) == ("prepare", 13, "done")
    assert 0 <= found.cpu_s < 60  # the clock ticks a hundred times a second
    assert 0 < found.wall_s < 60
    assert found.cores >= 1
    assert found.peak_rss_bytes > 1024**2
    lines = [json.loads(line) for line in recorder.path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["start", "end"]
    assert lines[0]["facts"] == {"split": "test"}


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "interrupted"), (RuntimeError, "failed"), (SystemExit, "failed")]
)
def test_a_leg_that_breaks_counts_and_the_error_goes_on(tmp_path, error, status):
    recorder = Recorder(tmp_path / "kpi.jsonl")
    with pytest.raises(error), recorder.leg("train"):
        raise error
    assert [leg.status for leg in read_legs(recorder.path)] == [status]


def test_resumed_legs_add_up(tmp_path):
    path = tmp_path / "kpi.jsonl"
    for _ in range(3):
        with Recorder(path).leg("train", items=10):
            pass
    with Recorder(path).leg("evaluate", items=4):
        pass
    legs = read_legs(path)
    assert [leg.name for leg in legs] == ["train", "train", "train", "evaluate"]
    summed = total(legs, "train")
    assert summed.wall_s == pytest.approx(sum(leg.wall_s for leg in legs[:3]))
    assert summed.items == 10
    assert total(legs, "export") is None


def test_a_killed_process_counts_up_to_its_last_sign_of_life(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from deephealth.kpi.recorder import Recorder\n"
        "with Recorder(sys.argv[1]).leg('train', items=7) as leg:\n"
        "    sum(range(100_000))\n"
        "    leg.progress()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "k")], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    (leg,) = read_legs(tmp_path / "k")
    assert (leg.status, leg.items) == ("cut off", 7)
    assert leg.wall_s > 0


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 600))
def test_a_line_that_was_cut_short_costs_only_itself(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "kpi.jsonl"
    for name in ("prepare", "train"):
        with Recorder(path).leg(name):
            pass
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    with Recorder(path).leg("report"):
        pass
    legs = read_legs(path)
    assert legs[-1].name == "report"
    assert legs[-1].status == "done"
    assert len(legs) <= 3


def test_a_leg_says_by_itself_that_it_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr("deephealth.kpi.recorder._HEARTBEAT_S", 0.001)
    path = tmp_path / "k"
    with Recorder(path).leg("train"):
        while b"progress" not in path.read_bytes():
            pass
    assert [leg.status for leg in read_legs(path)] == ["done"]


def test_no_file_means_no_legs_and_foreign_lines_are_passed_over(tmp_path):
    assert read_legs(tmp_path / "none") == []
    (tmp_path / "k").write_text('[1]\n"x"\n{"event": "end", "id": "q"}\n\n\xff')
    assert read_legs(tmp_path / "k") == []


def test_an_unknown_leg_is_refused(tmp_path):
    with pytest.raises(DataError, match="did you mean 'train'"), Recorder(tmp_path / "k").leg("trian"):
        pass
    assert LEGS[0] == "prepare"


def test_a_place_that_cannot_be_written_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="recording KPIs"), Recorder(tmp_path / "file" / "k").leg("train"):
        pass
