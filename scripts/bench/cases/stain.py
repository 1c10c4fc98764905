"""Rows of the stains: Macenko's normalisation of 512² tiles (P11), and its second half alone, also on a GPU (G8).

A tile is made of random amounts of two stains in blobs, with noise and a quarter of background. torchstain takes one
tile per call; its numpy version wants H×W×3 and its torch version 3×H×W, and each gets what it wants, prepared outside
the call. Ours takes the batch of H×W×3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from row import Row

from deephealth.kernels.compilers import using
from deephealth.kernels.stain import estimate_stains, recolour, unmixing
from deephealth.transforms.stain import MacenkoNormalizer

__all__ = ["ROWS"]

SIZE, TILES, MANY = 512, 8, 1024
Call = Callable[[], Any]


@cache
def tiles() -> torch.Tensor:
    """Return B×3×H×W tiles that lie as H×W×3."""
    numbers = np.random.default_rng(0)
    blobs = torch.from_numpy(numbers.gamma(0.8, 0.5, (TILES, 2, SIZE // 16, SIZE // 16)))
    amounts = torch.nn.functional.interpolate(blobs, size=(SIZE, SIZE), mode="bilinear").numpy()
    amounts[:, :, :, : SIZE // 4] *= 0.02
    vectors = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
    density = np.einsum("cs,bshw->bhwc", vectors, amounts) + numbers.normal(0, 0.03, (TILES, SIZE, SIZE, 3))
    levels = np.clip(240 * np.exp(-density) - 1, 0, 255).astype(np.uint8)
    return torch.from_numpy(levels).permute(0, 3, 1, 2)


def normalisers() -> Mapping[str, Call]:
    import torchstain

    batch, ours = tiles(), MacenkoNormalizer()
    numpy_peer = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
    torch_peer = torchstain.normalizers.MacenkoNormalizer(backend="torch")
    pixels = [tile.permute(1, 2, 0).numpy() for tile in batch]
    planes = [tile.contiguous() for tile in batch]
    return {
        "deephealth": lambda: ours(batch).permute(0, 2, 3, 1).numpy(),
        "torchstain numpy": lambda: np.stack([numpy_peer.normalize(tile, stains=False)[0] for tile in pixels]),
        "torchstain torch": lambda: np.stack([torch_peer.normalize(tile, stains=False)[0].numpy() for tile in planes]),
    }


def equal_levels(outputs: Mapping[str, Any]) -> str:
    """The numpy version is the standard; the torch version takes the nearest value for a percentile, in float32."""
    ours, *others = ((name, np.asarray(value).astype(np.int16)) for name, value in outputs.items())
    said = []
    for name, value in others:
        apart = np.abs(ours[1] - value)
        most = 1 if name != "torchstain torch" else 3
        assert apart.max() <= most, f"{name}: {apart.max()} grey levels apart"
        said.append(f"{name}: at most {apart.max()} levels apart, {100 * (apart == 0).mean():.3f} % equal")
    return "; ".join(said)


def mixtures(batch: torch.Tensor) -> torch.Tensor:
    found, reference = estimate_stains(batch), MacenkoNormalizer()
    return reference.matrix * (reference.maxima / found.maxima)[:, None] @ unmixing(found.matrix)


def plain(batch: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    """Return the same as one writes it in torch, in float32."""
    density = -torch.log((batch.flatten(2).float() + 1) / 240)
    return (240 * torch.exp(-(mix @ density))).clamp(max=255).to(torch.uint8).reshape(batch.shape)


def appliers() -> Mapping[str, Call]:
    batch = tiles().contiguous()
    mix = mixtures(batch)
    single = mix.float()
    return {
        "deephealth": lambda: recolour(batch, mix).numpy(),
        "torch": lambda: plain(batch, single).numpy(),
    }


def on_accelerator() -> Mapping[str, Call]:
    batch = tiles().contiguous()
    mix = mixtures(batch).float().repeat(MANY // TILES, 1, 1).cuda()
    many = batch.repeat(MANY // TILES, 1, 1, 1).cuda()
    shift = torch.zeros(MANY, 3, device="cuda")

    def by_triton() -> torch.Tensor:
        with using("triton"):
            return recolour(many, mix, shift)

    return {
        "deephealth": by_triton,
        "eager": partial(plain, many, mix),
        "torch.compile": partial(torch.compile(plain), many, mix),
    }


def equal_on_accelerator(outputs: Mapping[str, torch.Tensor]) -> str:
    return equal_levels({name: value[: 2 * TILES].cpu().numpy() for name, value in outputs.items()})


ROWS = [
    Row(
        "stain",
        f"Macenko normalisation of {TILES} tiles of {SIZE}²: stains found and tiles recoloured",
        normalisers,
        equal_levels,
        goals={"torchstain numpy": 5.0, "torchstain torch": 2.0},
        packages=("torchstain", "torch", "numpy"),
    ),
    Row(
        "stain-apply",
        f"{TILES} tiles of {SIZE}² recoloured, the stains are known",
        appliers,
        equal_levels,
        packages=("torch",),
        bytes_moved=2 * 3 * TILES * SIZE * SIZE,
    ),
    Row(
        "stain-apply-gpu",
        f"{MANY} tiles of {SIZE}² recoloured, the stains are known",
        on_accelerator,
        equal_on_accelerator,
        goals={"eager": 1.5, "torch.compile": 1.5},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=2 * 3 * MANY * SIZE * SIZE,
    ),
]
