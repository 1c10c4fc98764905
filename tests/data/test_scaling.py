from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deephealth.core.errors import ConfigError, DataError
from deephealth.data.patch_reader import PatchReader
from deephealth.data.scaling import Window, ZScore, foreground_window
from deephealth.data.volume_store import VolumeStore
from tests.data.volumes import write_case


def store(folder: Path, **more: bool) -> VolumeStore:
    return VolumeStore([write_case(folder, "a", **more), write_case(folder, "b", **more)], folder / "cache")  # type: ignore[arg-type]


@pytest.mark.parametrize("region", ["all", "nonzero", "foreground"])
def test_z_scores(tmp_path: Path, region: str) -> None:
    cases = store(tmp_path)
    reader = PatchReader(cases, (9, 12, 14), scaling=ZScore(region))  # type: ignore[arg-type]
    batch = reader.read([(0, (0, 0, 0)), (1, (0, 0, 0))])
    for image, case in zip(batch["image"].numpy(), cases, strict=True):
        values = case.image.astype(np.float64)
        assert case.label is not None
        inside = {"all": values > -1e9, "nonzero": values != 0, "foreground": case.label > 0}[region]
        expected = (values - values[inside].mean()) / values[inside].std()
        np.testing.assert_allclose(image, expected, atol=1e-5)


def test_a_constant_channel_becomes_zero(tmp_path: Path) -> None:
    case = store(tmp_path)[0]
    case.statistics["all"][0].update(mean=5.0, std=0.0)
    assert np.isfinite(ZScore()(case)[0, 2:]).all()


def test_windows(tmp_path: Path) -> None:
    cases = store(tmp_path)
    batch = PatchReader(cases, (9, 12, 14), scaling=Window.to_unit(200, 700)).read([(0, (0, 0, 0))])
    np.testing.assert_allclose(batch["image"][0], (cases[0].image.clip(200, 700) - 200) / 500, atol=1e-6)
    with pytest.raises(ConfigError, match="below high"):
        Window(3, 3, 0, 1)


def test_the_foreground_of_a_set(tmp_path: Path) -> None:
    cases = store(tmp_path)
    values = np.concatenate([case.image[case.label > 0] for case in cases if case.label is not None]).astype(float)
    window = foreground_window(cases)
    assert (window.low, window.high) == pytest.approx(tuple(np.percentile(values, [0.5, 99.5])))
    assert (window.shift, window.std) == pytest.approx((values.mean(), values.std()))
    with pytest.raises(DataError, match="no case has foreground"):
        foreground_window(store(tmp_path / "empty", foreground=False))
