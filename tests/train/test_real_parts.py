"""The same promise with the project's own model and data module: augmentation, balanced sampling, growing images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from deephealth.config.schema import Config
from deephealth.core.errors import Interrupted
from deephealth.data.cache import RasterCache
from deephealth.data.datamodule import ImageDataModule
from deephealth.data.sample import Sample
from deephealth.data.split import Split
from deephealth.io.source import Source
from deephealth.models import Model, build_model
from deephealth.train.callbacks import Interruption
from deephealth.train.fit import fit
from deephealth.transforms.catalogue import AUGMENTATIONS

CLASSES = ("bkl", "mel", "nv")


def samples(folder: Path, part: str, count: int) -> tuple[Sample, ...]:
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(count)
    made = []
    for number in range(count):
        name = f"{part}{number}"
        disc = np.hypot(*np.mgrid[-20:20, -25:25]) < 6 + 4 * (number % 3)
        image = draw.integers(120, 255, (40, 50, 3)) - 90 * disc[..., None]
        Image.fromarray(image.astype(np.uint8)).save(folder / f"{name}.png")
        Image.fromarray(disc.astype(np.uint8) * 255).save(folder / f"{name}_mask.png")
        sources = Source(folder / f"{name}.png"), Source(folder / f"{name}_mask.png")
        made.append(Sample(name, name, sources[0], CLASSES[number % 3], sources[1]))
    return tuple(made)


def run(folder: Path, task: str, *, resume: bool = False, seed: int = 0) -> Any:
    config = Config(
        usecase="uc12-skin",
        task=task,
        data={
            "image_size": (32, 40),
            "image_sizes": {0: (24, 32), 1: (32, 40)},
            "batch_size": 4,
            "sampler": {"name": "class_balanced"},
            "augment": {"name": "dermoscopy"},
        },
        model={"name": "timm/mobilenetv3_small_050" if task == "classification" else "basic_unet"},
        loss={"name": "logit_adjusted" if task == "classification" else "jaccard_bce"},
        trainer={"max_epochs": 2, "accelerator": "cpu", "threads": 1, "progress": False, "tensorboard": False}
        | {"ema_decay": 0.9, "mix": {"name": "mixup" if task == "classification" else "none"}},
    )
    parts = {part: samples(folder.parent / "images", part, 12) for part in ("train", "val", "test")}
    data = ImageDataModule(
        Split(**parts, source="given"),
        CLASSES,
        config.data,
        task=task,
        seed=1,
        cache=RasterCache(folder.parent / "cache"),
        augment=AUGMENTATIONS.get("dermoscopy")(),
    )
    torch.manual_seed(seed)
    labels = CLASSES if task == "classification" else ("lesion",)
    model = build_model(config.model.name, task=task, labels=labels, image_size=config.data.image_size)
    return fit(model, data, config, folder, resume=resume)


@pytest.mark.parametrize("task", ["classification", "segmentation"])
@pytest.mark.parametrize("stop", [2, 9])
def test_interrupted_run_is_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, stop: int
) -> None:
    # 3 steps, 3 validation batches and the end of the epoch ask once each: 2 is inside the first epoch, 9 the second
    whole: Model = run(tmp_path / "whole", task).model
    asked: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(Interruption, "wanted", lambda *_: asked.append(1) or len(asked) >= stop)
        with pytest.raises(Interrupted):
            run(tmp_path / "parts", task)
    resumed = run(tmp_path / "parts", task, resume=True, seed=5).model
    expected = whole.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in resumed.state_dict().items())
