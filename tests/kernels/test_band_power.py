"""Band power equals scipy's Welch and mne's, in every version, layout and dtype."""

from __future__ import annotations

import os

import numpy as np
import pytest
import scipy.integrate
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("TRITON_INTERPRET", "1")

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.band_power import band_power, band_weights, reference_band_power
from deephealth.kernels.compilers import using

BANDS = [(0.5, 4.0), (4.0, 8.0), (8.0, 13.0), (13.0, 30.0), (30.0, 45.0)]


def eeg(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Noise with a falling spectrum and an offset, as EEG has."""
    numbers = torch.Generator().manual_seed(seed)
    noise = torch.randn(*shape, generator=numbers, dtype=torch.float64)
    return (noise.cumsum(-1) * 0.2 + noise + 3).to(dtype)


def hann(size: int) -> torch.Tensor:
    return torch.hann_window(size, dtype=torch.float64)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
@pytest.mark.parametrize(("size", "hop", "detrend"), [(512, 256, True), (500, 125, False), (101, 101, True)])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_equals_scipy(dtype: torch.dtype, bound: float, size: int, hop: int, detrend: bool, scaling: str) -> None:
    signals = eeg(2, 3, 2000, dtype=dtype)
    window = torch.from_numpy(scipy.signal.get_window("hamming", size))
    # whole bins, so that scipy's trapezoid over them is the integral
    step = 256 / size
    bands = [(step, 8 * step), (8 * step, 20 * step)]
    frequencies, spectrum = scipy.signal.welch(
        signals.numpy(), 256, "hamming", size, size - hop, detrend="constant" if detrend else False, scaling=scaling
    )
    wanted = np.stack([scipy.integrate.trapezoid(spectrum[..., a : b + 1], dx=step) for a, b in ((1, 8), (8, 20))], -1)
    weights = band_weights(size, 256.0, bands, window=window, scaling=scaling)  # type: ignore[arg-type]
    found = band_power(signals, window, weights, hop=hop, detrend=detrend, average=True)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), wanted, rtol=bound)
    assert len(frequencies) == len(weights)


def test_equals_mne_for_each_segment() -> None:
    time_frequency = pytest.importorskip("mne").time_frequency
    signals = eeg(1, 4, 3000)
    spectra, frequencies = time_frequency.psd_array_welch(
        signals[0].numpy(), 256.0, n_fft=512, n_overlap=256, average=None, window="hann", verbose="error"
    )
    wanted = np.stack([spectra[:, (frequencies >= a) & (frequencies < b)].mean(1) for a, b in BANDS], -1)
    found = band_power(signals, hann(512), band_weights(512, 256.0, BANDS, window=hann(512), rule="mean"), hop=256)
    np.testing.assert_allclose(found[0].numpy(), wanted, rtol=1e-11)


def test_edges_between_bins_are_exact() -> None:
    weights = band_weights(16, 16.0, [(1.25, 1.75), (2.5, 4.5)], window=torch.ones(16)) * 16 * 16 / 2
    density = torch.arange(9, dtype=torch.float64) ** 2
    line = lambda f: np.interp(f, range(9), density.numpy())  # noqa: E731
    for column, (low, high) in enumerate([(1.25, 1.75), (2.5, 4.5)]):
        knots = sorted({low, high, *(k for k in range(9) if low < k < high)})
        assert float(weights[:, column] @ density) == pytest.approx(np.trapezoid(line(knots), knots))


def test_bands_that_touch_share_nothing() -> None:
    weights = band_weights(256, 128.0, [(0, 20), (20, 40), (0, 40)], window=hann(256), rule="sum")
    torch.testing.assert_close(weights[:, 0] + weights[:, 1], weights[:, 2])
    assert not ((weights[:, 0] > 0) & (weights[:, 1] > 0)).any()


def test_whole_power_is_the_variance() -> None:
    signals = torch.randn(1, 1, 4096, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    box = torch.ones(512, dtype=torch.float64)
    weights = band_weights(512, 100.0, [(0, 50)], window=box, rule="sum")
    weights[-1] = 1 / 512**2  # the band is half open, and leaves the bin of Nyquist out
    found = band_power(signals, box, weights, hop=512)
    torch.testing.assert_close(found.flatten(), signals.reshape(8, 512).var(1, correction=0))


def test_an_offset_costs_no_digits() -> None:
    quiet = torch.randn(1, 1, 1024, generator=torch.Generator().manual_seed(2)).round(decimals=2)
    weights = band_weights(512, 256.0, BANDS, window=hann(512))
    plain = band_power(quiet.double(), hann(512), weights, hop=256)
    for version in ("compiled", "triton"):
        with using(version):
            moved = band_power((quiet.double() + 16384).float(), hann(512), weights, hop=256)
        torch.testing.assert_close(moved.double(), plain, rtol=5e-3, atol=1e-6)


@pytest.mark.parametrize("version", ["compiled", "triton"])
@pytest.mark.parametrize("drift", [0.0, 1000.0])
def test_error_bound_of_float32(version: str, drift: float) -> None:
    noise = torch.randn(2, 1, 1, 4000, generator=torch.Generator().manual_seed(3))
    signals = noise[0] + drift * noise[1].cumsum(-1)
    weights = band_weights(512, 256.0, [*BANDS, (0.0, 128.0)], window=hann(512))
    wanted = reference_band_power(signals.double(), hann(512), weights, hop=256)
    with using(version):
        found = band_power(signals, hann(512), weights, hop=256)
    assert ((found - wanted).abs() <= 2e-6 * (wanted * wanted[..., -1:]).sqrt()).all()


@given(
    st.integers(1, 3), st.integers(0, 3), st.integers(2, 90), st.integers(1, 100), st.integers(0, 60), st.booleans(),
    st.integers(0, 4),
)  # fmt: skip
def test_compiled_equals_reference(
    batch: int, channels: int, size: int, hop: int, more: int, detrend: bool, layout: int
) -> None:
    signals = laid_out(eeg(batch, channels, size + more), layout)
    weights = band_weights(size, 10.0, [(0, 5), (1, 2.2)], window=hann(size) + 0.1)
    found = band_power(signals, hann(size) + 0.1, weights, hop=hop, detrend=detrend)
    if channels:
        wanted = reference_band_power(signals, hann(size) + 0.1, weights, hop=hop, detrend=detrend)
        torch.testing.assert_close(found, wanted)
    assert found.shape == (batch, channels, more // hop + 1, 2)


def laid_out(signals: torch.Tensor, layout: int) -> torch.Tensor:
    """The same or other values, in one of five memory layouts."""
    if layout == 1:
        return signals.mT.contiguous().mT
    if layout == 2:
        return signals[:, :, :].transpose(0, 1).contiguous().transpose(0, 1)
    if layout == 3:
        return signals[:1].expand(len(signals), -1, -1)
    if layout == 4:
        return torch.cat([signals, signals], -1)[..., ::2]
    return signals


def test_triton_equals_reference_on_500_cases() -> None:
    numbers = np.random.default_rng(0)
    with using("triton"):
        for case in range(500):
            batch, channels = int(numbers.integers(1, 3)), int(numbers.integers(0, 3))
            size, hop, more = int(numbers.integers(2, 40)), int(numbers.integers(1, 50)), int(numbers.integers(0, 60))
            dtype = [torch.float32, torch.float64, torch.float16, torch.bfloat16][case % 4]
            signals = laid_out(eeg(batch, channels, size + more, seed=case, dtype=dtype), case % 5)
            window = hann(size) + 0.1
            bands = [(0.0, 5.0), (1.0, 2.2), (2.0, 4.0)][: 1 + case % 3]
            weights, detrend = band_weights(size, 10.0, bands, window=window), bool(case % 2)
            found = band_power(signals, window, weights, hop=hop, detrend=detrend)
            assert found.shape == (batch, channels, more // hop + 1, len(bands))
            if found.numel():
                wanted = reference_band_power(signals.double(), window, weights, hop=hop, detrend=detrend)
                torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-6 * float(wanted.max() + 1))


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_chunks_change_nothing(threads: int) -> None:
    signals = eeg(2, 3, 70_000, dtype=torch.float32)
    weights = band_weights(256, 256.0, BANDS, window=hann(256))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = band_power(signals, hann(256), weights, hop=64)
    finally:
        torch.set_num_threads(before)
    single = torch.stack(
        [band_power(row[None, None], hann(256), weights, hop=64)[0, 0] for row in signals.flatten(0, 1)]
    )
    torch.testing.assert_close(found.flatten(0, 1), single, rtol=1e-5, atol=1e-6)


def test_gradients() -> None:
    signals = eeg(1, 2, 40).requires_grad_()
    weights = band_weights(16, 16.0, [(1, 3), (3, 6)], window=hann(16))
    assert torch.autograd.gradcheck(lambda x: band_power(x, hann(16), weights, hop=8), signals)


def test_more_than_two_to_the_31_elements() -> None:
    signals = eeg(1, 1, 1_100_000, dtype=torch.float32).expand(2000, 1, -1)
    weights = band_weights(64, 64.0, [(1, 20)], window=hann(64))
    found = band_power(signals, hann(64), weights, hop=1_000_000)
    assert found.shape == (2000, 1, 2, 1)
    assert (found == found[:1]).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    signals = eeg(1, 2, 600, dtype=dtype)
    weights = band_weights(128, 256.0, BANDS, window=hann(128))
    found = band_power(signals, hann(128), weights, hop=64)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, band_power(signals.float(), hann(128), weights, hop=64))


def test_bad_signals_are_named() -> None:
    weights = band_weights(64, 64.0, [(1, 20)], window=hann(64))
    signals = eeg(2, 3, 200)
    signals[0, 1, 5:7] = torch.nan
    signals[1, 2, 9] = torch.inf
    with pytest.raises(DataError, match=r"3 values are NaN or infinite.*2 of 3 channels .channel 1: 2, channel 2: 1"):
        band_power(signals, hann(64), weights, hop=32)
    with pytest.raises(DataError, match="overflows"):
        band_power(eeg(1, 1, 200, dtype=torch.float32) * 1e30, hann(64), weights, hop=32)
    with pytest.raises(DataError, match="no longer than the signals"):
        band_power(eeg(1, 1, 63), hann(64), weights, hop=32)
    with pytest.raises(DataError, match="no longer than the signals"):
        band_power(eeg(1, 1, 0), hann(64), weights, hop=32)
    with pytest.raises(DataError, match="B×C×T floats"):
        band_power(eeg(1, 200)[0], hann(64), weights, hop=32)
    with pytest.raises(DataError, match="B×C×T floats"):
        band_power(eeg(1, 1, 200).int(), hann(64), weights, hop=32)
    with pytest.raises(DataError, match="33 bins"):
        band_power(eeg(1, 1, 200), hann(64), weights[:-1], hop=32)
    with pytest.raises(ConfigError, match="hop"):
        band_power(eeg(1, 1, 200), hann(64), weights, hop=0)


def test_bad_bands_are_named_all_at_once() -> None:
    with pytest.raises(ConfigError, match="Nyquist") as caught:
        band_weights(64, 64.0, [(1, 40), (8, 4), (2.1, 2.9)], window=hann(64), rule="sum")
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigError, match="there is none"):
        band_weights(64, 64.0, [], window=hann(64))
    with pytest.raises(ConfigError, match="window"):
        band_weights(64, 64.0, [(1, 2)], window=hann(63))
