"""Sliding windows: what they cost beside the network, from a volume to labels, and with a small U-Net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import torch
from row import Row

from deephealth.infer.sliding_window import SlidingWindow
from deephealth.infer.sliding_window_grid import Grid
from deephealth.infer.sliding_window_lines import Lines
from deephealth.kernels.compilers import using
from deephealth.kernels.window import blend, take_labels

MONAI = "MONAI SlidingWindowInferer"


def _peer(network: Any, window: int, overlap: float) -> Callable[[torch.Tensor], torch.Tensor]:
    from monai.inferers import SlidingWindowInferer

    inferer = SlidingWindowInferer(window, 4, overlap, mode="gaussian")

    def call(volume: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return inferer(volume, network)

    return call


def _identity() -> Mapping[str, Callable[[], Any]]:
    volume = torch.randn(1, 1, 256, 256, 256, generator=torch.Generator().manual_seed(0))
    ours = SlidingWindow(96, lambda x: x, overlap=0.5, mode="gaussian", batch=1)
    theirs = _peer(lambda x: x, 96, 0.5)
    return {"deephealth": lambda: ours(volume), MONAI: lambda: theirs(volume)}


def _labels() -> Mapping[str, Callable[[], Any]]:
    volume = torch.randn(1, 1, 192, 192, 192, generator=torch.Generator().manual_seed(0))
    return _to_labels(volume, lambda x: x.repeat(1, 8, 1, 1, 1).mul_(_FACTORS), 64)


def _unet() -> Mapping[str, Callable[[], Any]]:
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    network = UNet(3, 1, 4, channels=(8, 16, 32), strides=(2, 2), num_res_units=0).eval()
    volume = torch.randn(1, 1, 160, 160, 160, generator=torch.Generator().manual_seed(0))
    return _to_labels(volume, network, 64)


_FACTORS = torch.linspace(-1, 1, 8).reshape(8, 1, 1, 1)


def _to_labels(volume: torch.Tensor, network: Any, window: int) -> Mapping[str, Callable[[], Any]]:
    ours = SlidingWindow(window, network, overlap=0.5, mode="gaussian")
    theirs = _peer(network, window, 0.5)
    return {
        "deephealth": lambda: ours.labels(volume),
        MONAI: lambda: theirs(volume).argmax(1).to(torch.uint8),
    }


def _close(outputs: Mapping[str, torch.Tensor]) -> str:
    worst = float((outputs["deephealth"] - outputs[MONAI]).abs().max())
    if not worst <= 1e-5:
        raise AssertionError(f"the outputs differ by {worst:.2g}")
    return f"largest difference {worst:.1e}"


def _same(outputs: Mapping[str, torch.Tensor]) -> str:
    found, wanted = outputs.values()
    share = float((found != wanted).float().mean())
    if not share <= 1e-5:  # averages that are equal but for rounding
        raise AssertionError(f"{share:.2%} of the labels differ")
    return f"{share:.1e} of the labels differ"


_SIZE, _WINDOW, _CLASSES = (400, 512, 512), (128, 128, 128), 14


def _accelerator() -> Mapping[str, Callable[[], Any]]:
    """Windows that lie ready, blended and labelled: by us, and by the steps of MONAI's inferer."""
    grid = Grid.over(_SIZE, _WINDOW, (0.5, 0.5, 0.5), (0, 0, 0), _SIZE)
    where = torch.device("cuda")
    how = blend(_WINDOW, grid.starts, mode="gaussian").to(where)
    count = len(grid.starts[2])
    ready = torch.randn((count, _CLASSES, *_WINDOW), device=where, dtype=torch.float16)

    def ours() -> torch.Tensor:
        labels = torch.empty(_SIZE, dtype=torch.uint8, device=where)

        def done(rows: torch.Tensor, table: torch.Tensor, _: int, box: tuple[int, int, int, int]) -> None:
            take_labels(rows, table, box, how, labels[box[0] : box[1], box[2] : box[3]])

        with using("triton"):
            lines = Lines(_CLASSES, grid, how, done)
            for i, j in grid.turns:
                starts = [(grid.starts[0][i], grid.starts[1][j], x) for x in grid.starts[2]]
                lines.add(ready, [(0, (i, j), k, start) for k, start in enumerate(starts)])
        return labels

    def steps() -> torch.Tensor:
        weights = how.full().half()
        total = torch.zeros((_CLASSES, *_SIZE), device=where, dtype=torch.float16)
        counts = torch.zeros(_SIZE, device=where, dtype=torch.float16)
        for z, y in product(*grid.starts[:2]):
            for window, x in zip(ready, grid.starts[2], strict=True):
                at = (slice(z, z + 128), slice(y, y + 128), slice(x, x + 128))
                total[(slice(None), *at)] += window * weights
                counts[at] += weights
        total /= counts
        return total.argmax(0).to(torch.uint8)

    return {"deephealth": ours, "MONAI's steps": steps}


def _near(outputs: Mapping[str, torch.Tensor]) -> str:
    found, wanted = outputs.values()
    share = float((found != wanted).float().mean())
    if not share <= 0.02:  # theirs adds up in float16
        raise AssertionError(f"{share:.2%} of the labels differ")
    return f"{share:.1e} of the labels differ (the peer adds up in float16)"


def _row(name: str, sizes: str, network: str, peers: Callable[[], Any], check: Callable[..., str], goal: float) -> Row:
    return Row(
        f"window-{name}",
        f"sliding window, {sizes}, overlap 0.5, Gaussian, {network}",
        peers,
        check,
        goals={MONAI: goal},
        memory_goals={MONAI: 0.5},
        packages=("torch", "monai", "numba"),
    )


ROWS = [
    _row("identity", "averages: 256³, windows of 96³", "identity network", _identity, _close, 3.0),
    _row("labels", "labels: 192³, windows of 64³", "8 classes from a product", _labels, _same, 3.0),
    _row("unet", "labels: 160³, windows of 64³", "small U-Net of 4 classes", _unet, _same, 1.15),
    Row(
        "window-gpu",
        "windows blended and labelled on an accelerator: 400×512², 14 classes of float16, windows of 128³, overlap 0.5",
        _accelerator,
        _near,
        goals={"MONAI's steps": 1.5},
        memory_goals={"MONAI's steps": 0.3},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=70_000_000_000,
    ),
]
