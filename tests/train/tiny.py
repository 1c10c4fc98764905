"""Stand-ins for a model and a data module that follow the contract, small enough for hundreds of steps a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from deephealth.config.schema import Config, TrainerConfig
from deephealth.core.seeds import counter_seed


class Scale(nn.Module):
    def normalise(self, image: torch.Tensor) -> torch.Tensor:
        return image / 127.5 - 1.0


class TinyModel(nn.Module):
    """Two convolutions with batch norm and dropout."""

    def __init__(self, task: str = "classification", seed: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        self.task, self.labels = task, ("a", "b", "c") if task == "classification" else ("lesion",)
        self.preprocess = Scale()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            body = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(dropout)]
            pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)]
            head = pooled if task == "classification" else [nn.Conv2d(8, 1, 1)]
            self.network = nn.Sequential(*body, *head)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.network(image)


class Images(Dataset[dict[str, Any]]):
    def __init__(self, task: str, count: int, offset: int) -> None:
        self.task, self.count, self.offset = task, count, offset
        self.poison: int | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: tuple[int, int] | int) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        generator = torch.Generator().manual_seed(counter_seed(self.offset, epoch, index))
        label = index % 3
        image = torch.randint(0, 256, (3, 8, 8), generator=generator).float() * (0.5 + 0.25 * label)
        if index == self.poison and epoch == 1:
            image = image * torch.inf
        item = {"image": image, "index": index, "id": f"s{index}"}
        if self.task == "classification":
            return item | {"label": label}
        return item | {"mask": (image.mean(dim=0, keepdim=True) > 90).float()}


class PlacedBatches(Sampler[list[tuple[int, int]]]):
    """Batches of an epoch from a position on; its length is that of the whole epoch."""

    def __init__(self, count: int, size: int, seed: int) -> None:
        self.count, self.size, self.seed = count, size, seed
        self.position = (0, 0)

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, done = self.position
        generator = torch.Generator().manual_seed(counter_seed(self.seed, epoch))
        order = torch.randperm(self.count, generator=generator).tolist()
        for start in range(done * self.size, self.count, self.size):
            yield [(epoch, index) for index in order[start : start + self.size]]


class TinyData(LightningDataModule):
    """30 training samples in 8 batches of 4, 12 for validation."""

    def __init__(self, task: str = "classification", seed: int = 0, count: int = 30, workers: int = 0) -> None:
        super().__init__()
        self.train_set, self.val_set = Images(task, count, 1), Images(task, 12, 2)
        self.batches = PlacedBatches(count, 4, seed)
        self.class_counts = [10, 10, 10] if task == "classification" else [30]
        self.workers = workers

    def set_position(self, epoch: int, batches_done: int) -> None:
        self.batches.position = (epoch, batches_done)

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.train_set, batch_sampler=self.batches, num_workers=self.workers)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.val_set, batch_size=5)


def tiny_config(task: str = "classification", **trainer: Any) -> Config:
    """Return a configuration for three epochs on a CPU."""
    loss = "cross_entropy" if task == "classification" else "dice_bce"
    options = {"max_epochs": 3, "accelerator": "cpu", "progress": False, "tensorboard": False, "threads": 1} | trainer
    optimizer = {"name": "adamw", "lr": 0.01}
    config = Config(usecase="tiny", task=task, seed=3, model={"name": "tiny"}, loss={"name": loss}, optimizer=optimizer)
    return config.model_copy(update={"trainer": TrainerConfig(**options)})
