"""Perfusion deconvolution: against known residues, SciPy's matrices, and between the three versions."""

from __future__ import annotations

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest
import scipy.linalg
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import using
from deephealth.kernels.perfusion import Deconvolution, PerfusionMaps, baseline_subtracted, perfusion_maps

METHODS = ("ssvd", "bsvd", "osvd", "tikhonov")
TISSUE = 0.55 / 0.75 / 1.04


def _aif(times):
    after = (times - 6).clamp(min=0)
    return 20 * after**3 * torch.exp(-after / 1.5)


def _phantom(voxels=64, frames=60, dt=1.0, noise=0.0, seed=0, delay=0.0):
    """Curves whose flow, transit time and delay are known; the convolution is that of the frames."""
    draws = np.random.default_rng(seed)
    flow, transit = (torch.from_numpy(draws.uniform(*each, voxels)) for each in ((10, 80), (3, 8)))
    times = torch.arange(frames, dtype=torch.float64) * dt
    aif = _aif(times)
    late = times - delay
    residue = torch.where(late >= 0, torch.exp(-late.clamp(min=0) / transit[:, None]), 0.0)
    matrix = torch.from_numpy(scipy.linalg.toeplitz(aif.numpy(), np.zeros(frames)))
    curves = dt * (flow / 6000 / TISSUE)[:, None] * residue @ matrix.T
    curves = curves + noise * torch.from_numpy(draws.normal(size=curves.shape))
    return curves, aif, flow, transit, residue.sum(1) * dt


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
def test_without_truncation_the_known_flow_comes_back(version):
    """Float64, no noise, no threshold: the flow is exact, the volume but for the tail that the scan cuts off."""
    curves, aif, flow, _, area = _phantom(16, 40, dt=1.5)
    aif = aif + 5 * torch.exp(-torch.arange(40.0).double())  # a matrix that can be inverted
    matrix = torch.from_numpy(scipy.linalg.toeplitz(aif.numpy(), np.zeros(40)))
    _, _, flow, transit, area = _phantom(16, 40, dt=1.5)
    residue = torch.exp(-1.5 * torch.arange(40.0).double() / transit[:, None])
    curves = 1.5 * (flow / 6000 / TISSUE)[:, None] * residue @ matrix.T
    with using(version):
        maps = perfusion_maps(curves, aif, dt=1.5, deconvolution=Deconvolution("ssvd", 1e-12))
    torch.testing.assert_close(maps.cbf, flow, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(maps.cbv, flow * area / 60, rtol=0.01, atol=0.0)
    torch.testing.assert_close(maps.mtt, area, rtol=0.01, atol=0.0)
    assert maps.tmax.abs().max() == 0


@pytest.mark.parametrize(
    ("method", "low", "high"), [("ssvd", 0.6, 1.0), ("bsvd", 0.7, 1.0), ("osvd", 0.6, 1.0), ("tikhonov", 0.7, 1.0)]
)
def test_phantom_with_noise(method, low, high):
    """At 0.2 HU of noise the flow is a known share too low, as truncation makes it; the volume is right."""
    curves, aif, flow, transit, _ = _phantom(400, 60, noise=0.2)
    maps = perfusion_maps(curves.float(), aif.float(), dt=1.0, deconvolution=Deconvolution(method))
    volume = flow / 60 / (1 - torch.exp(-1 / transit))  # the sum of the frames, not the integral
    assert low < (maps.cbf.double() / flow).median() < high
    assert abs((maps.cbv.double() / volume).median() - 1) < 0.03
    assert np.corrcoef(maps.cbf, flow)[0, 1] > 0.95
    assert maps.tmax.median() <= 3


@pytest.mark.parametrize("method", ["bsvd", "osvd", "tikhonov"])
def test_block_circulant_methods_do_not_feel_a_delay(method):
    maps = [
        perfusion_maps(
            _phantom(50, delay=delay)[0].float(), _phantom()[1].float(), dt=1.0, deconvolution=Deconvolution(method)
        )
        for delay in (0.0, 4.0)
    ]
    torch.testing.assert_close(maps[1].cbf, maps[0].cbf, rtol=0.02, atol=0.1)
    torch.testing.assert_close(maps[1].tmax, maps[0].tmax + 4)


def test_tissue_before_the_artery_has_a_negative_delay():
    aif = _phantom()[1]
    maps = perfusion_maps(0.02 * aif.roll(-3)[None], aif, dt=1.0, deconvolution=Deconvolution("bsvd", 0.001))
    assert maps.delay.item() == -3
    assert maps.tmax.item() == 0


@pytest.mark.parametrize("method", ["ssvd", "bsvd", "tikhonov"])
def test_against_scipy(method):
    curves, aif, *_ = _phantom(40, 30, noise=1.0)
    padded = np.concatenate([aif, np.zeros(30)])
    matrix = scipy.linalg.toeplitz(aif, np.zeros(30)) if method == "ssvd" else scipy.linalg.circulant(padded)
    left, values, right = scipy.linalg.svd(2.0 * matrix)
    keep = values >= 0.15 * values[0]
    weights = values / (values**2 + (0.15 * values[0]) ** 2) if method == "tikhonov" else np.where(keep, 1 / values, 0)
    signal = np.zeros((40, len(values)))
    signal[:, :30] = curves
    residue = signal @ (right.T @ np.diag(weights) @ left.T).T
    maps = perfusion_maps(curves, aif, dt=2.0, deconvolution=Deconvolution(method, 0.15))
    np.testing.assert_allclose(maps.cbf, 6000 * TISSUE * residue.max(1), rtol=1e-9)
    place = residue.argmax(1)
    np.testing.assert_allclose(maps.delay, 2.0 * np.where(place >= 30, place - len(values), place))


def test_oscillation_index_of_the_chosen_residue():
    """By FFT, one voxel at a time: the lowest threshold whose index is below the limit."""
    curves, aif, *_ = _phantom(20, 40, noise=1.0)
    maps = perfusion_maps(curves, aif, dt=1.0, deconvolution=Deconvolution("osvd", 0.02, oscillation=0.05))
    spectrum = np.fft.rfft(aif.numpy(), 80)
    levels = np.sort(np.abs(spectrum))
    for voxel, curve in enumerate(curves.numpy()):
        for level in levels[levels >= 0.02 * levels[-1]]:
            kept = np.where(np.abs(spectrum) >= level, np.fft.rfft(curve, 80) / spectrum, 0)
            residue = np.fft.irfft(kept, 80)
            if np.abs(np.diff(residue, 2)).sum() / 80 / residue.max() < 0.05:
                break
        np.testing.assert_allclose(maps.cbf[voxel], 6000 * TISSUE * residue.max(), rtol=1e-9)


def _random_case(draws, case):
    frames, voxels = int(draws.integers(2, 12)), int(draws.integers(0, 5))
    times = torch.arange(frames, dtype=torch.float64)
    aif = torch.exp(-times / draws.uniform(0.5, 3)) * draws.uniform(1, 100)
    dtype = (torch.float32, torch.float64, torch.int16, torch.bfloat16)[case % 4]
    curves = torch.from_numpy(draws.normal(20, 20, (voxels, frames))).to(dtype)
    if case % 3 == 1:
        curves = curves.T.contiguous().T  # time first in memory
    if case % 3 == 2:
        curves = torch.stack([curves, curves], 2)[:, :, 0]
    how = Deconvolution(METHODS[case % 4 if case % 5 else case // 5 % 4], float(draws.uniform(0.05, 0.4)))
    return curves, aif, how


def _differing(ours: PerfusionMaps, theirs: PerfusionMaps, wide: bool) -> int:
    """Check flow and volume, and count the delays that differ: points of equal height have no first one."""
    near = torch.isclose(ours.cbf, theirs.cbf, rtol=1e-9 if wide else 2e-4, atol=1e-9 if wide else 2e-2)
    assert (~near).sum() <= (0 if wide else 1)  # an oscillation index may lie within rounding of its limit
    torch.testing.assert_close(ours.cbv, theirs.cbv, rtol=1e-5, atol=1e-4)
    return int((ours.delay != theirs.delay).sum())


@pytest.mark.parametrize("version", ["compiled", "triton"])
def test_500_random_cases(version):
    draws = np.random.default_rng(3)
    voxels = differing = 0
    for case in range(500):
        curves, aif, how = _random_case(draws, case)
        with using("reference"):
            theirs = perfusion_maps(curves, aif, dt=1.0, deconvolution=how)
        with using(version):
            ours = perfusion_maps(curves, aif, dt=1.0, deconvolution=how)
        found = _differing(ours, theirs, curves.dtype == torch.float64)
        if how.method != "osvd":  # which may keep the mean of a short curve alone: a flat residue
            voxels, differing = voxels + len(curves), differing + found
    assert differing < 0.02 * voxels


@pytest.mark.parametrize("method", METHODS)
def test_a_volume_a_mask_and_threads(method):
    curves, aif, *_ = _phantom(5000, 50, noise=0.5)
    volume = curves.float().T.reshape(50, 5, 20, 50)
    how = Deconvolution(method)
    flat = perfusion_maps(curves.float(), aif, dt=1.0, deconvolution=how)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        maps = perfusion_maps(volume, aif, dt=1.0, deconvolution=how)
    finally:
        torch.set_num_threads(before)
    mask = torch.rand(5, 20, 50) > 0.5
    inside = perfusion_maps(volume, aif, dt=1.0, mask=mask, deconvolution=how)
    for name in PerfusionMaps._fields:
        whole, part = getattr(maps, name), getattr(inside, name)
        assert whole.shape == (5, 20, 50)
        assert torch.equal(whole.flatten(), getattr(flat, name))
        # a product of matrices may sum a column in another order where it lies elsewhere in its block
        torch.testing.assert_close(part[mask], whole[mask], rtol=2e-5, atol=1e-4)
        assert not part[~mask].any()
    with using("reference"):
        theirs = perfusion_maps(volume, aif, dt=1.0, deconvolution=how)
    same = theirs.delay == maps.delay
    assert same.float().mean() > 0.999
    torch.testing.assert_close(maps.cbf[same], theirs.cbf[same], rtol=1e-4, atol=1e-2)


def test_baseline_and_hounsfield_units_in_int16():
    curves, aif, *_ = _phantom(30, 50)
    lifted = (curves * 10 + 400).round().to(torch.int16)
    how = Deconvolution("bsvd", baseline=5)
    maps = perfusion_maps(lifted, aif * 10 + 300, dt=1.0, deconvolution=how)
    plain = perfusion_maps(
        baseline_subtracted(lifted.double(), 5), aif * 10, dt=1.0, deconvolution=Deconvolution("bsvd")
    )
    torch.testing.assert_close(maps.cbf.double(), plain.cbf, rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(maps.cbv.double(), plain.cbv, rtol=1e-4, atol=1e-3)


def test_times_and_resampling():
    curves, aif, *_ = _phantom(10, 50)
    even = perfusion_maps(curves, aif, times=torch.arange(50.0) + 3, deconvolution=Deconvolution("bsvd"))
    torch.testing.assert_close(even.cbf, perfusion_maps(curves, aif, dt=1.0, deconvolution=Deconvolution("bsvd")).cbf)
    kept = torch.tensor([at for at in range(50) if at not in (30, 33, 37)])  # where the curves are nearly straight
    with pytest.raises(DataError, match="1 to 2 s apart"):
        perfusion_maps(curves[:, kept], aif[kept], times=kept.double())
    again = perfusion_maps(
        curves[:, kept], aif[kept], times=kept.double(), resample=1.0, deconvolution=Deconvolution("bsvd")
    )
    torch.testing.assert_close(again.cbf, even.cbf, rtol=0.02, atol=0.1)


GOOD, ARTERY = torch.rand(6, 8), torch.rand(8) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"curves": torch.rand(6)}, "shape"),
        ({"curves": torch.rand(6, 1), "aif": torch.rand(1)}, "1 frames"),
        ({"aif": torch.rand(7)}, "8 frames"),
        ({"aif": torch.zeros(8)}, "area under the arterial curve is 0"),
        ({"aif": ARTERY / torch.tensor([1.0, 1, 0, 1, 1, 1, 1, 1])}, "1 of 8 values"),
        ({"dt": 0.0}, "dt is 0.0"),
        ({"dt": float("nan")}, "dt is nan"),
        ({"dt": None}, "one of the two"),
        ({"mask": torch.zeros(6, dtype=torch.bool)}, "6 voxels is empty"),
        ({"mask": torch.ones(5, dtype=torch.bool)}, "the mask has the shape"),
        ({"resample": -1.0}, "resample is -1.0"),
        ({"resample": 100.0}, "span 7 s"),
        ({"dt": None, "times": torch.tensor([0.0, 1, 2, 3, 3, 4, 5, 6])}, "rising order"),
        ({"deconvolution": Deconvolution(baseline=8)}, "baseline has 8"),
    ],
)
def test_bad_input(changes, message):
    settings = {"curves": GOOD, "aif": ARTERY, "dt": 1.0} | changes
    with pytest.raises(DataError, match=message):
        perfusion_maps(settings.pop("curves"), settings.pop("aif"), **settings)


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
def test_values_that_are_not_finite_are_counted_and_can_be_masked(version):
    curves = torch.rand(6, 8)
    curves[2, 3] = curves[2, 4] = float("nan")
    curves[4, 0] = float("inf")
    with using(version):
        with pytest.raises(DataError, match="2 of 6 curves are not finite: 2 NaN and 1 infinite"):
            perfusion_maps(curves, ARTERY, dt=1.0)
        maps = perfusion_maps(curves, ARTERY, dt=1.0, mask=torch.tensor([1, 1, 0, 1, 0, 1]))
    assert all(each.isfinite().all() for each in maps)


def test_bad_settings_come_together():
    with pytest.raises(ConfigError) as caught:
        Deconvolution("svd", threshold=1.5, baseline=-1, density=0.0)
    assert len(caught.value.problems) == 4


def test_stretched_curves_are_read_as_they_lie():
    """A curve for many voxels that lies in memory once, and no voxel at all."""
    curves, aif, *_ = _phantom(1, 50)
    maps = perfusion_maps(curves.float().expand(5000, 50), aif, dt=1.0)
    torch.testing.assert_close(maps.cbf, maps.cbf[:1].expand(5000), rtol=1e-6, atol=0)
    assert maps.cbf[0] > 0
    assert perfusion_maps(curves[:0], aif, dt=1.0).cbf.shape == (0,)
