"""Tiny models with known answers, and small images on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from deephealth.data.sample import Sample
from deephealth.io.source import Source
from deephealth.models.model import Model
from deephealth.models.spec import ModelSpec


class Colour(nn.Module):
    """Logits grow with the mean of the red, green and blue channel: the answer is the strongest colour."""

    def forward(self, x_bchw: torch.Tensor) -> torch.Tensor:
        return 4 * x_bchw.mean(dim=(2, 3))


class Dark(nn.Module):
    """Foreground is where the image is dark."""

    def forward(self, x_bchw: torch.Tensor) -> torch.Tensor:
        return -6 * x_bchw.mean(dim=1, keepdim=True)


class Net(nn.Module):
    """A small network with random weights, for what must not depend on the answers."""

    def __init__(self, outputs: int, spatial: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, outputs, 1))
        self.spatial = spatial

    def forward(self, x_bchw: torch.Tensor) -> torch.Tensor:
        found = self.body(x_bchw)
        return found if self.spatial else found.mean(dim=(2, 3))


def make_model(
    network: nn.Module, task: str, labels: tuple[str, ...], size: tuple[int, int] = (24, 32), **facts
) -> Model:
    return Model(network, ModelSpec("tiny", task, labels, size, **facts)).eval()


@pytest.fixture
def colour_model() -> Model:
    return make_model(Colour(), "classification", ("red", "green", "blue"))


@pytest.fixture
def dark_model() -> Model:
    return make_model(Dark(), "segmentation", ("lesion",))


@pytest.fixture
def build() -> Callable[..., Model]:
    """Return the maker of models with random weights."""

    def made(task: str, labels: tuple[str, ...] = ("a", "b", "c"), **more) -> Model:
        segment = task == "segmentation"
        labels = ("lesion",) if segment else labels
        return make_model(Net(len(labels), segment), task, labels, **more)

    return made


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photographs of different sizes, named after their colour."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, (name, channel) in enumerate(
        (("red", 0), ("green", 1), ("blue", 2), ("deep/red2", 0), ("deep/blue2", 2))
    ):
        image = rng.integers(20, 60, (30 + 7 * number, 44 + 5 * number, 3), dtype=np.uint8)
        image[..., channel] += 150
        Image.fromarray(image).save(folder / f"{name}.png")
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def lesions(tmp_path: Path) -> list[Sample]:
    """Six light images with one dark rectangle each, and its mask; two per group."""
    samples = []
    for number in range(6):
        image = np.full((40, 56, 3), 220, np.uint8)
        mask = np.zeros((40, 56), np.uint8)
        top, left = 6 + number, 8 + 2 * number
        mask[top : top + 20, left : left + 24] = 1
        image[mask > 0] = 30
        Image.fromarray(image).save(tmp_path / f"i{number}.png")
        Image.fromarray(mask * 255).save(tmp_path / f"m{number}.png")
        sample = Sample(
            f"s{number}",
            f"g{number // 2}",
            Source(tmp_path / f"i{number}.png"),
            mask=Source(tmp_path / f"m{number}.png"),
        )
        samples.append(sample)
    return samples
