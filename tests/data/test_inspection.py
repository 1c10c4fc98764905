from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from deephealth.data.inspection import inspect_samples
from deephealth.data.sample import DataIndex
from deephealth.io.source import Source


def test_one_result_per_sample_in_order(index: DataIndex, tmp_path: Path) -> None:
    samples = list(index.samples[:6])
    samples[2] = replace(samples[2], image=Source(tmp_path / "none.png"))
    samples[4] = replace(samples[4], image=samples[1].image, mask=None)
    calls: list[tuple[int, int]] = []
    results = inspect_samples(samples, progress=lambda done, total: calls.append((done, total)), threads=2)
    assert [bool(result.problems) for result in results] == [False, False, True, False, False, False]
    assert results[2].digest == ""
    assert results[4].digest == results[1].digest != results[0].digest
    assert calls == [(done, 6) for done in range(1, 7)]
