from __future__ import annotations

import json

import pytest

from deephealth.core.errors import MissingDataError
from deephealth.kpi.definitions import run_kpis, time_to_score


def write_legs(run, *legs):
    lines = []
    for number, (name, wall, items, status) in enumerate(legs):
        lines.append({"event": "start", "leg": name, "id": number, "items": items, "time": "2026-01-01", "cores": 2})
        used = {"wall_s": wall, "cpu_s": 2 * wall, "peak_rss_bytes": 1000 * (number + 1)}
        lines.append(
            {"event": "end" if status else "progress", "leg": name, "id": number, **used}
            | ({"status": status} if status else {})
        )
    (run / "kpi.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def table(run, **more):
    return {kpi.name: kpi for kpi in run_kpis(run, **more)}


@pytest.fixture
def run(empty_run):
    write_legs(
        empty_run,
        ("prepare", 30.0, 600, "done"),
        ("train", 100.0, 400, None),
        ("train", 60.0, 400, "done"),
        ("evaluate", 10.0, 200, "done"),
        ("export", 5.0, 1, "done"),
        ("report", 7.0, None, "done"),
    )
    (empty_run / "metrics.csv").write_text(
        "epoch,step,val_balanced_accuracy,val_loss,seconds\n0,1,0.5,1,40\n1,2,0.7,1,90\n2,3,0.699,1,150\n"
    )
    return empty_run


def test_the_sums_by_hand(run):
    kpis = table(run)
    assert kpis["topi"].value == 30
    assert kpis["topi_per_image"].value == 0.05
    assert kpis["preprocessing_rate"].value == 20
    assert kpis["ttm"].value == 160  # the part that was cut off counts
    assert "2 parts" in kpis["ttm"].note
    assert kpis["ttmip"].value == 205  # without the report
    assert "INCOMPLETE" not in kpis["ttmip"].note
    assert kpis["evaluation_per_image"].value == 0.05
    assert kpis["busy_cores"].value == 2
    assert kpis["peak_memory"].value == 6000
    assert all(kpi.definition.endswith(".") for kpi in kpis.values())


def test_time_to_target_reads_the_recorded_seconds(run):
    assert table(run)["ttm_to_target"].value == 90
    assert "epoch 1; as recorded" in table(run)["ttm_to_target"].note
    assert table(run, target=0.5)["ttm_to_target"].value == 40
    missed = table(run, target=0.9)["ttm_to_target"]
    assert missed.value is None
    assert "never reached; best 0.7000" in missed.note


def test_without_recorded_seconds_epochs_are_equally_long():
    rows = [{"epoch": float(n), "val_score": n / 10} for n in range(4)]
    assert time_to_score(rows, 0.2, 80.0) == (60.0, 2, "epochs taken as equally long")
    assert time_to_score(rows, 0.9, 80.0) is None


def test_missing_legs_are_named(empty_run):
    write_legs(empty_run, ("prepare", 30.0, 600, "done"), ("train", 100.0, 400, "interrupted"))
    kpis = table(empty_run)
    assert kpis["ttmip"].value == 130
    assert "no leg of: evaluate, export" in kpis["ttmip"].note
    assert "interrupted" in kpis["ttm"].note
    assert kpis["ttm_to_target"].value is None
    assert kpis["evaluation_per_image"].text == "unknown"


def test_a_run_without_legs_knows_nothing_and_says_so(empty_run):
    kpis = table(empty_run)
    assert all(kpi.value is None and kpi.note for kpi in kpis.values())


def test_no_run_is_a_typed_error(tmp_path):
    with pytest.raises(MissingDataError, match="holds no run"):
        run_kpis(tmp_path)


def test_values_are_written_for_people(run):
    texts = {name: kpi.text for name, kpi in table(run).items()}
    assert texts["ttm"] == "2 min 40 s"
    assert texts["topi_per_image"] == "50 ms per image"
    assert texts["preprocessing_rate"] == "20 items/s"
    assert texts["peak_memory"] == "5.9 KiB"
