"""Time of a training step through ``fit()`` against a hand-written torch loop: same net, data, optimizer, one run.

    python scripts/bench/train_step.py --steps 40 --threads 2

The two alternate step by step: whenever ``fit()`` asks for the next batch, the hand-written loop first makes its own
step on that batch, so that both see the same machine. The time of a ``fit()`` step is what passes from the moment a
batch is handed out to the moment the next one is asked for: transfer, forward, backward, optimizer, schedule, every
callback. Both losses and both final weights must be bit-equal, or nothing is reported. Prints JSON: the ratio of the
medians and the median of the ratios of neighbouring steps, each with its 95 % interval from a bootstrap over the steps.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import lightning
import torch
from lightning.pytorch import LightningDataModule
from ratios import ratio
from torch.utils.data import DataLoader

from deephealth.config.schema import Config
from deephealth.losses.build import build_loss
from deephealth.models import Model, build_model
from deephealth.train.fit import fit
from deephealth.train.schedules import cosine

LABELS = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
CASES: dict[str, dict[str, Any]] = {
    "resnet18": {"task": "classification", "labels": LABELS, "batch": 32, "loss": "cross_entropy"},
    "unet": {"task": "segmentation", "labels": ("lesion",), "batch": 8, "loss": "dice_bce"},
}


def main() -> int:
    """Time the cases that were asked for and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--size", type=int, default=96, help="height and width, pixels")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    results = {name: compare(name, arguments) for name in arguments.cases}
    versions = {"python": platform.python_version(), "torch": torch.__version__, "lightning": lightning.__version__}
    print(json.dumps({"cases": results, "goal": 1.02, "threads": arguments.threads, "versions": versions}, indent=2))
    return 0 if all(result["equal"] for result in results.values()) else 1


def compare(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one net both ways at once."""
    case = CASES[name]
    size = (arguments.size, arguments.size)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = build_model(name, task=case["task"], labels=case["labels"], image_size=size)
    batches = [draw(case, size, seed) for seed in range(8)]
    by_hand = HandWritten(copy.deepcopy(model), case, arguments.steps)
    data = Alternating(batches, arguments.steps, by_hand.step)
    config = Config(
        usecase="bench",
        task=case["task"],
        model={"name": name},
        loss={"name": case["loss"]},
        optimizer={"name": "adamw", "lr": 1e-3},
        schedule={"name": "cosine"},
        trainer={
            "max_epochs": 1,
            "accelerator": "cpu",
            "threads": arguments.threads,
            "progress": False,
            "tensorboard": False,
            "checkpoint": {"select": "last"},
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        result = fit(model, data, config, folder)
    equal_loss = result.history[0]["train_loss"] == by_hand.mean_loss()
    equal_weights = fingerprint(result.model) == fingerprint(by_hand.model)
    if not (equal_loss and equal_weights):
        return {"equal": False, "equal_loss": equal_loss, "equal_weights": equal_weights}
    return {"equal": True, "batch": case["batch"], "size": size, **ratio(data.ours, data.theirs, ("fit_ms", "hand_ms"))}


class HandWritten:
    """What a careful person would write in a notebook."""

    def __init__(self, model: Model, case: dict[str, Any], steps: int) -> None:
        self.model = model.to(memory_format=torch.channels_last).train()
        self.key = "label" if case["task"] == "classification" else "mask"
        self.criterion = build_loss(case["loss"], [1] * len(case["labels"]), task=case["task"])
        decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
        plain = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, cosine(steps))
        self.losses: list[tuple[float, int]] = []

    def step(self, batch: dict[str, Any]) -> None:
        """Make one step."""
        image = self.model.preprocess.normalise(batch["image"]).contiguous(memory_format=torch.channels_last)
        loss = self.criterion(self.model(image), batch[self.key])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.losses.append((loss.item(), len(image)))

    def mean_loss(self) -> float:
        """Return the mean over the samples of all steps."""
        return sum(loss * count for loss, count in self.losses) / sum(count for _, count in self.losses)


class Alternating(LightningDataModule):
    """Hands out batches, lets the other side step in between, and takes both times.

    Args:
        batches: handed out in turn.
        steps: how many are handed out.
        other: makes the other side's step.
    """

    def __init__(self, batches: list[dict[str, Any]], steps: int, other: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self.batches, self.steps, self.other = batches, steps, other
        self.class_counts = [1] * len(LABELS)
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def set_position(self, epoch: int, batches_done: int) -> None:
        """Accept the start, which is the only position here."""

    def train_dataloader(self) -> Alternating:
        """Return this object: it iterates, and has a length."""
        return self

    def val_dataloader(self) -> DataLoader[Any]:
        """Return one batch."""
        return DataLoader(self.batches[:1], batch_size=None)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[dict[str, Any]]:
        handed: float | None = None
        for number in range(self.steps):
            asked = time.perf_counter()
            if handed is not None:
                self.ours.append(asked - handed)
            batch = self.batches[number % len(self.batches)]
            began = time.perf_counter()
            self.other(batch)
            self.theirs.append(time.perf_counter() - began)
            handed = time.perf_counter()
            yield batch


def draw(case: dict[str, Any], size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Return a random batch."""
    generator = torch.Generator().manual_seed(seed)
    count = case["batch"]
    image = torch.randint(0, 256, (count, 3, *size), generator=generator).float()
    facts = {"image": image, "index": torch.arange(count), "id": [str(number) for number in range(count)]}
    if case["task"] == "classification":
        return facts | {"label": torch.randint(0, len(LABELS), (count,), generator=generator)}
    return facts | {"mask": (image.mean(dim=1, keepdim=True) > 128).float()}


def fingerprint(model: Model) -> str:
    """Return a hash of all weights."""
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
