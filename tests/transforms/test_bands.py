"""Named bands: shares add up, decibels are decibels, wrong settings are named."""

from __future__ import annotations

import pytest
import scipy.integrate
import scipy.signal
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms.bands import EEG_BANDS, BandPower


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_equals_scipy() -> None:
    signals = noise(2, 3, 5000)
    frequencies, density = scipy.signal.welch(signals.numpy(), 250, nperseg=500)
    found = BandPower(250.0)(signals)
    for column, (low, high) in enumerate(EEG_BANDS.values()):
        inside = (frequencies >= low) & (frequencies <= high)
        wanted = scipy.integrate.trapezoid(density[..., inside], dx=0.5)
        torch.testing.assert_close(found[..., column], torch.from_numpy(wanted))


def test_relative_powers_add_up() -> None:
    found = BandPower(250.0, relative=True, average=False)(noise(1, 2, 2500))
    assert found.shape == (1, 2, 9, 5)
    torch.testing.assert_close(found.sum(-1), torch.ones(1, 2, 9, dtype=torch.float64))


def test_silence_has_no_share_and_a_floor_in_decibels() -> None:
    silence = torch.zeros(1, 1, 1000)
    assert (BandPower(250.0, relative=True)(silence) == 0).all()
    assert (BandPower(250.0, log=True)(silence) == -300).all()


def test_decibels() -> None:
    signals = noise(1, 1, 1000)
    plain = BandPower(250.0)
    torch.testing.assert_close(BandPower(250.0, log=True)(signals), 10 * plain(signals).log10())
    assert plain.names == ("delta", "theta", "alpha", "beta", "gamma")


def test_overlap_sets_the_hop() -> None:
    assert BandPower(256.0, window_s=4, overlap=0.75).hop == 256
    assert BandPower(256.0, overlap=0).hop == 512


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"overlap": 1.0}, "overlap"),
        ({"window_s": 0.001}, "window_s"),
        ({"bands": {}}, "bands"),
        ({"bands": {"high": (100, 200)}}, "Nyquist"),
        ({"window": "no such window"}, "window"),
        ({"relative": True, "rule": "mean"}, "relative"),
        ({"rule": "median"}, "rule"),
        ({"scaling": "power"}, "scaling"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        BandPower(256.0, **settings)  # type: ignore[arg-type]
