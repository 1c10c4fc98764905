from __future__ import annotations

import pytest

from deephealth.core.errors import MissingDataError
from deephealth.kpi.compare import compare_runs, format_table


def test_runs_stand_side_by_side(classification_run, segmentation_run, empty_run):
    columns, rows = compare_runs([classification_run, segmentation_run, empty_run])
    assert columns == ["", "skin-classes", "skin-masks", "begun"]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["task"] == ["classification", "segmentation", "classification"]
    assert cells["score (test)"][0].startswith("balanced_accuracy 0.")
    assert cells["score (test)"][1].startswith("jaccard 0.")
    assert cells["score (test)"][2] == "not measured"
    assert cells["time to train models"] == ["15 min 12 s", "15 min 12 s", "unknown"]
    assert cells["time to model in production"][0].endswith("(incomplete)")
    text = format_table(columns, rows)
    assert len({len(line) for line in text.splitlines()}) >= 1
    assert "skin-masks" in text.splitlines()[0]


def test_a_folder_without_a_run_is_a_typed_error(tmp_path, classification_run):
    with pytest.raises(MissingDataError):
        compare_runs([classification_run, tmp_path])
