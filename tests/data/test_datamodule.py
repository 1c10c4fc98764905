from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from deephealth.config.schema import Component, DataConfig, SplitConfig
from deephealth.core.errors import CheckpointError, DataError, MissingDataError, UnknownNameError
from deephealth.data.cache import RasterCache
from deephealth.data.datamodule import ImageDataModule
from deephealth.data.sample import DataIndex
from deephealth.data.split import Split, make_split, overfit_split
from deephealth.io.source import Source
from deephealth.transforms.resize import resize_rgb

SIZE = (8, 10)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> RasterCache:
    return RasterCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def split(index: DataIndex) -> Split:
    return make_split(index, SplitConfig())


def noise(image: torch.Tensor, mask: torch.Tensor | None, *, seed: int, size: tuple[int, int]) -> tuple:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 256, image.shape, generator=generator, dtype=torch.uint8)
    return resize_rgb(image ^ drawn, size), mask


def make(split: Split, cache: RasterCache | None, **options: Any) -> ImageDataModule:
    names = ("task", "seed", "augment", "overfit")
    given = {"task": "classification", "seed": 1, "augment": None} | {n: options.pop(n) for n in names if n in options}
    config = DataConfig(**({"image_size": SIZE, "batch_size": 4} | options))
    return ImageDataModule(split, ("mel", "nv"), config, cache=cache, **given)


def seen(loader: Any) -> list[tuple[list[str], float]]:
    return [(batch["id"], float(batch["image"].double().sum())) for batch in loader]


def test_prepare_fills_the_cache_once(split: Split, tmp_path: Path) -> None:
    cache = RasterCache(tmp_path)
    first, again = (make(split, cache, task="segmentation").prepare() for _ in range(2))
    assert (first.num_images, first.cached_images) == (60, 0)
    assert (again.num_images, again.cached_images) == (60, 60)
    assert again.seconds >= 0
    assert make(split, None).prepare().cached_images == 0


def test_loaders(split: Split, cache: RasterCache) -> None:
    module = make(split, cache, batch_size=6)
    assert sorted(name for ids, _ in seen(module.train_dataloader()) for name in ids) == [
        item.id for item in split.train
    ]
    for loader, part in ((module.val_dataloader(), split.val), (module.test_dataloader(), split.test)):
        assert [name for ids, _ in seen(loader) for name in ids] == [item.id for item in part]
    assert len(module.train_dataloader()) == 4
    assert module.class_counts == [7, 14]
    with pytest.raises(UnknownNameError):
        module.dataset("training")


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_leaves_the_global_generator_alone(split: Split, cache: RasterCache, workers: int) -> None:
    module = make(split, cache, num_workers=workers, augment=noise)
    before = torch.random.get_rng_state()
    for loader in (module.train_dataloader(), module.val_dataloader()):
        seen(loader)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_segmentation_and_no_cache_agree(split: Split, cache: RasterCache) -> None:
    cached, plain = (next(iter(make(split, kept, task="segmentation").test_dataloader())) for kept in (cache, None))
    assert cached["mask"].shape == (4, 1, *SIZE)
    for key in ("image", "mask", "index"):
        assert torch.equal(cached[key], plain[key])


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_and_resuming_change_nothing(split: Split, cache: RasterCache, workers: int) -> None:
    def epochs(module: ImageDataModule, numbers: tuple[int, ...]) -> list[Any]:
        loader, result = module.train_dataloader(), []
        for number in numbers:
            loader.batch_sampler.set_epoch(number)
            result.append(seen(loader))
        return result

    options = {"augment": noise, "sampler": Component(name="class_balanced"), "image_sizes": {1: (10, 12)}}
    whole = epochs(make(split, cache, **options), (0, 1, 2))
    assert whole[0] != whole[1]
    module = make(split, cache, num_workers=workers, **options)
    module.set_position(1, 3)
    assert module.position == (1, 3)
    assert epochs(module, (1, 2)) == [whole[1][3:], whole[2]]
    assert module.position == (2, 5)


def test_position_counts_what_was_handed_out(split: Split, cache: RasterCache) -> None:
    module = make(split, cache)
    loader = module.train_dataloader()
    for done, _ in enumerate(loader, 1):
        assert module.position == (0, done)
    list(islice(loader, 2))
    assert loader.state_dict() == {"epoch": 0, "batches_done": 2}
    other = make(split, cache).train_dataloader()
    other.load_state_dict(loader.state_dict())
    assert seen(other) == seen(loader)[2:]
    with pytest.raises(CheckpointError):
        module.set_position(0, 99)


def test_two_processes_share_the_samples(split: Split, cache: RasterCache) -> None:
    modules = [make(split, cache) for _ in range(2)]
    for rank, module in enumerate(modules):
        module.set_position(0, 1)  # before the trainer is there
        module.trainer = SimpleNamespace(global_rank=rank, world_size=2)
    validated = [name for module in modules for ids, _ in seen(module.val_dataloader()) for name in ids]
    assert sorted(validated) == [item.id for item in split.val]
    trained = [seen(module.train_dataloader()) for module in modules]
    assert [len(ids) for ids, _ in trained[0]] == [len(ids) for ids, _ in trained[1]] == [4, 2]
    assert not {name for ids, _ in trained[0] for name in ids} & {name for ids, _ in trained[1] for name in ids}


def test_progressive_sizes(split: Split, cache: RasterCache) -> None:
    module = make(split, cache, image_sizes={0: (8, 8), 2: (12, 16)})
    loader = module.train_dataloader()
    for epoch, size in ((0, (8, 8)), (1, (8, 8)), (2, (12, 16))):
        loader.batch_sampler.set_epoch(epoch)
        assert next(iter(loader))["image"].shape[-2:] == size
    assert next(iter(module.val_dataloader()))["image"].shape[-2:] == SIZE


def test_validation_is_resized_once(split: Split, cache: RasterCache) -> None:
    module, plain = make(split, cache, image_sizes={0: (12, 16)}), make(split, cache)
    assert seen(module.val_dataloader()) == seen(plain.val_dataloader())


def test_overfit(split: Split, cache: RasterCache) -> None:
    module = make(split, cache, overfit=3, augment=noise)
    assert seen(module.val_dataloader()) == seen(module.test_dataloader())
    assert sorted(seen(module.train_dataloader())[0][0]) == sorted(item.id for item in overfit_split(split, 3).train)
    assert min(module.class_counts) >= 1
    assert module.dataset("train")[1]["image"].equal(module.dataset("val")[1]["image"])


def test_label_shuffle(split: Split, cache: RasterCache) -> None:
    module = make(split, cache, shuffle_labels=True)
    assert module.class_counts == [7, 14]
    assert [item.label for item in module.split.train] != [item.label for item in split.train]
    assert module.split.test == split.test


def test_mistakes(split: Split, cache: RasterCache, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="detection"):
        make(split, cache, task="detection")
    with pytest.raises(UnknownNameError, match="did you mean 'shuffle'"):
        make(split, cache, sampler=Component(name="shufle")).train_dataloader()
    with pytest.raises(DataError, match="no training samples"):
        make(replace(split, train=()), cache)
    unlabelled = replace(split.val[0], label=None, mask=None)
    for task in ("classification", "segmentation"):
        with pytest.raises(DataError, match="1 samples have no"):
            make(replace(split, val=(unlabelled,)), cache, task=task)
    gone = replace(split, test=(replace(split.test[0], image=Source(tmp_path / "gone.png")),))
    with pytest.raises(MissingDataError, match=r"gone\.png"):
        make(gone, cache).prepare()


class Tiny(pl.LightningModule):
    """Keeps what it was trained on; saves nothing itself."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.batches: list[tuple[int, int, list[str]]] = []
        self.validated: list[int] = []
        self.stop_after = stop_after
        self.saved: dict[str, Any] | None = None

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
        self.batches.append((self.current_epoch, batch_idx, batch["id"]))
        return self.layer(batch["image"].mean(dim=(2, 3))).mean()

    def on_train_batch_end(self, *_: Any) -> None:
        if len(self.batches) == self.stop_after:
            self.saved = {"loops": self.trainer.fit_loop.state_dict(), "position": self.trainer.datamodule.position}
            raise KeyboardInterrupt

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        self.validated += batch["index"].tolist()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1e-6)


def trainer(tmp_path: Path) -> pl.Trainer:
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
        **quiet,
    )


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.filterwarnings("error:.*not resumable")
@pytest.mark.parametrize("stop_after", [2, 5, 8])
def test_resume_inside_an_epoch_of_lightning(split: Split, cache: RasterCache, tmp_path: Path, stop_after: int) -> None:
    unbroken = Tiny()
    trainer(tmp_path).fit(unbroken, datamodule=make(split, cache))
    assert len(unbroken.batches) == 15
    broken = Tiny(stop_after)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trainer(tmp_path).fit(broken, datamodule=make(split, cache))
    assert broken.saved is not None
    resumed, fresh = Tiny(), trainer(tmp_path)
    module = make(split, cache)
    module.set_position(*broken.saved["position"])
    fresh.fit_loop.load_state_dict(broken.saved["loops"])
    fresh.fit(resumed, datamodule=module)
    assert broken.batches + resumed.batches == unbroken.batches
    if stop_after != 5:  # Lightning takes an epoch that was saved after its last batch for validated
        assert broken.validated + resumed.validated == unbroken.validated


@pytest.mark.real
def test_real_data_comes_at_once_the_second_time(shared_data: Path, tmp_path: Path) -> None:
    from deephealth.data.sample import Sample
    from deephealth.io.table import read_table

    folder = shared_data / "skin-lesion-ham10000"
    archive = folder / "images_masks_200x150.zip"
    rows = read_table(folder / "labels.csv", required=["lesion_id", "image_id", "dx", "split"])[:200]
    samples = tuple(
        Sample(row["image_id"], row["lesion_id"], Source(archive, f"images/{row['image_id']}.jpg"), row["dx"])
        for row in rows
    )
    index = DataIndex(folder, "test", tuple(sorted({row["dx"] for row in rows})), samples)
    config = DataConfig(image_size=(72, 96))
    for expected in (0, 200):
        split = make_split(index, SplitConfig())
        module = ImageDataModule(
            split, index.classes, config, task="classification", seed=0, cache=RasterCache(tmp_path), augment=None
        )
        assert module.prepare().cached_images == expected
    assert sum(len(batch["id"]) for batch in module.train_dataloader()) == len(split.train)
