"""CT-perfusion deconvolution: 256×256×16 voxels of 50 frames by each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from row import Row

from deephealth.kernels import perfusion_operator
from deephealth.kernels.compilers import using
from deephealth.kernels.perfusion import Deconvolution, perfusion_maps

__all__ = ["ROWS"]

_VOXELS = 256 * 256 * 16
_LOOP, _FEW = 512, 64  # voxels that the NumPy loops do
_OUTSIDE = f"numpy loop, SVD outside (scaled from {_LOOP} voxels)"
_INSIDE = f"numpy loop, SVD per voxel (scaled from {_FEW} voxels)"
_TISSUE = 100 * 0.55 / 0.75 / 1.04


def _phantom(voxels: int, frames: int, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Curves and arterial curve: gamma variate, exponential residue, noise of 1 HU."""
    draws = torch.Generator(device).manual_seed(0)
    times = torch.arange(frames, device=device, dtype=torch.float32)
    after = (times - 5).clamp(min=0)
    aif = 20 * after**3 * torch.exp(-after / 1.5)
    kinds = 512
    flow, transit = (torch.rand(2, kinds, generator=draws, device=device) + 0.2).unbind(0)
    residue = 0.01 * flow[:, None] * torch.exp(-times / (10 * transit[:, None]))
    clean = torch.fft.irfft(torch.fft.rfft(residue, 2 * frames) * torch.fft.rfft(aif, 2 * frames), 2 * frames)
    noise = torch.randn(voxels, frames, generator=draws, device=device)
    return noise.add_(clean[torch.arange(voxels, device=device) % kinds, :frames]), aif


def _inverse(aif: np.ndarray, how: Deconvolution) -> list[np.ndarray]:
    """The inverses that a method tries, lowest threshold first, by NumPy."""
    frames = len(aif)
    size = frames if how.method == "ssvd" else 2 * frames
    padded = np.concatenate([aif, np.zeros(frames)])
    matrix = padded[(np.arange(size)[:, None] - np.arange(size)) % (2 * frames)]
    left, values, right = np.linalg.svd(matrix)
    if how.method == "tikhonov":
        weights = [values / (values**2 + (how.share * values[0]) ** 2)]
    else:
        shares = [how.share]
        if how.method == "osvd":
            levels = np.sort(np.abs(np.fft.rfft(padded))) / values[0]
            shares = list(levels[levels >= how.share * (1 - 1e-9)])
        weights = [np.where(values >= share * (1 - 1e-9) * values[0], 1 / values, 0) for share in shares]
    return [(right.T @ (weight[:, None] * left.T))[:, :frames] for weight in weights]


def _loop(curves: np.ndarray, aif: np.ndarray, how: Deconvolution) -> np.ndarray:
    """What a script does: the decomposition and the residue of one voxel after the other."""
    maps = np.zeros((3, len(curves)))
    for voxel, curve in enumerate(curves):
        for inverse in _inverse(aif, how):
            residue = inverse @ curve
            bends = np.abs(np.diff(residue, 2)).sum()
            if how.method != "osvd" or bends < how.oscillation * len(residue) * residue.max():
                break
        maps[:, voxel] = residue.max(), curve.sum() / aif.sum(), residue.argmax()
    return maps


def _hoisted(curves: np.ndarray, aif: np.ndarray, inverses: list[np.ndarray], how: Deconvolution) -> np.ndarray:
    """The loop with the decomposition taken out of it."""
    maps = np.zeros((3, len(curves)))
    area = aif.sum()
    for voxel, curve in enumerate(curves):
        for inverse in inverses:
            residue = inverse @ curve
            if how.method != "osvd":
                break
            if np.abs(np.diff(residue, 2)).sum() < how.oscillation * len(residue) * residue.max():
                break
        maps[:, voxel] = residue.max(), curve.sum() / area, residue.argmax()
    return maps


def _batched(
    curves: torch.Tensor, area: float, inverses: list[torch.Tensor], how: Deconvolution
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One BLAS call per threshold, on the voxels that none fitted yet; residues are written."""
    volume = curves.sum(1) / area
    if how.method != "osvd":
        flow, place = (curves @ inverses[0].T).max(1)
        return flow, volume, place
    flow, place = curves.new_zeros(len(curves)), torch.zeros(len(curves), dtype=torch.int64, device=curves.device)
    left = torch.arange(len(curves), device=curves.device)
    rest = curves
    for turn, inverse in enumerate(inverses, 1):
        residue = rest @ inverse.T
        top, at = residue.max(1)
        taken = residue.diff(n=2).abs_().sum(1) < how.oscillation * residue.shape[1] * top
        if turn == len(inverses):
            taken[:] = True
        flow[left[taken]], place[left[taken]] = top[taken], at[taken]
        left, rest = left[~taken], rest[~taken]
        if not len(left):
            break
    return flow, volume, place


def _peers(method: str) -> Mapping[str, Callable[[], Any]]:
    how = Deconvolution(method)  # type: ignore[arg-type]
    curves, aif = _phantom(_VOXELS, 50)
    few, artery = curves[:_LOOP].double().numpy(), aif.double().numpy()
    inverses = _inverse(artery, how)
    matrices = [torch.from_numpy(each).float() for each in inverses]
    area = float(aif.sum())
    calls: dict[str, Callable[[], Any]] = {
        "deephealth": partial(perfusion_maps, curves, aif, dt=1.0, deconvolution=how),
        "batched BLAS (torch)": partial(_batched, curves, area, matrices, how),
        _OUTSIDE: partial(_hoisted, few, artery, inverses, how),
        _INSIDE: partial(_loop, few[:_FEW], artery, how),
    }
    return calls


def _check(method: str, outputs: Mapping[str, Any]) -> str:
    ours = outputs["deephealth"]
    steps = 50 if method == "ssvd" else 100
    worst, other = 0.0, 0.0
    for name, theirs in outputs.items():
        if name == "deephealth":
            continue
        flow, volume, place = (torch.as_tensor(each).double() for each in theirs)
        count = len(flow)
        place = torch.where(place >= 50, place - steps, place) if steps == 100 else place
        moved = ours.delay[:count].double() != place
        other = max(other, float(moved.double().mean()))
        for mine, peer in ((ours.cbf, 60 * _TISSUE * flow), (ours.cbv, _TISSUE * volume)):
            apart = (mine[:count].double() - peer).abs()[~moved] / peer.abs().max()
            worst = max(
                worst, float(apart.quantile(0.999)) if count < 10**6 else float(apart.topk(count // 1000)[0][-1])
            )
    if worst > 1e-4 or other > 1e-3:
        message = f"flow and volume differ by {worst:.1e}, and {other:.1e} of the delays do"
        raise AssertionError(message)
    return (
        f"flow and volume within {worst:.1e} of the largest in 99.9 % of the voxels; {other:.1e} of the delays differ"
    )


def _device_peers(method: str) -> Mapping[str, Callable[[], Any]]:
    how = Deconvolution(method)  # type: ignore[arg-type]
    curves, aif = _phantom(5_000_000, 60, "cuda")
    artery = aif.double().cpu()
    inverses = [torch.from_numpy(each).float().cuda() for each in _inverse(artery.numpy(), how)]
    ready = perfusion_operator.operator(artery, torch.eye(60, dtype=torch.float64), 1.0, how)
    area = float(aif.sum())

    def ours() -> Any:
        from deephealth.kernels import perfusion_triton

        with using("triton"):
            flow, volume, place = perfusion_triton.maps(curves, ready, how.oscillation)
        return flow / 60 / _TISSUE, volume / _TISSUE, place

    eager = partial(_batched, curves, area, inverses, how)
    return {"deephealth": ours, "torch eager": eager, "torch.compile": partial(torch.compile(_batched), *eager.args)}


def _device_check(outputs: Mapping[str, Any]) -> str:
    flow, volume, place = outputs["deephealth"]
    same = (place == outputs["torch eager"][2]).float().mean()
    torch.testing.assert_close(volume, outputs["torch eager"][1], rtol=1e-3, atol=1e-4)
    apart = ((flow - outputs["torch eager"][0]).abs() / flow.abs().max()).mean()
    if same < 0.99 or apart > 0.01:
        message = f"{same:.3f} of the delays agree; flow differs by {apart:.1e} on average"
        raise AssertionError(message)
    return f"{same:.4f} of the delays agree; flow differs by {apart:.1e} of the largest on average"


def _row(method: str) -> Row:
    return Row(
        name=f"perfusion-{method}",
        title=f"CT perfusion, {method}: 256×256×16 voxels, 50 frames",
        peers=partial(_peers, method),
        check=partial(_check, method),
        goals={"batched BLAS (torch)": 0.95, _INSIDE: 200},
        scale={_OUTSIDE: _VOXELS / _LOOP, _INSIDE: _VOXELS / _FEW},
        packages=("torch", "numpy"),
        bytes_moved=_VOXELS * 4 * (50 + 5),
    )


ROWS = [
    *(_row(method) for method in ("ssvd", "bsvd", "osvd", "tikhonov")),
    *(
        Row(
            name=f"perfusion-{method}-device",
            title=f"CT perfusion on an accelerator, {method}: 5 000 000 voxels, 60 frames",
            peers=partial(_device_peers, method),
            check=_device_check,
            goals={"torch eager": 1.5, "torch.compile": 1.5},
            threads=(1,),
            packages=("torch", "triton"),
            device="cuda",
            bytes_moved=1_200_000_000,
        )
        for method in ("bsvd", "osvd")
    ),
]
