from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from deephealth.core.errors import CheckpointError, ConfigError, DataError
from deephealth.data.batches import EvaluationBatches, TrainBatches, TrainLoader
from deephealth.data.patch_grid import PatchAssembler, PatchGrid
from deephealth.data.patch_loader import PatchLoader
from deephealth.data.patch_reader import Border, PatchReader
from deephealth.data.patch_sampling import PosNegRatio
from deephealth.data.patches import PatchDataset, as_it_is
from deephealth.data.sampler import Shuffle
from deephealth.data.volume_case import VolumeCase
from deephealth.data.volume_store import VolumeStore
from deephealth.io.volume import Volume
from deephealth.io.volumes import write_volume
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.intensity import GaussianNoise
from tests.data.volumes import AFFINE, write_case

PATCH = (4, 6, 8)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> VolumeStore:
    folder = tmp_path_factory.mktemp("set")
    store = VolumeStore([write_case(folder, name) for name in "abcd"], folder / "cache")
    store.fill()
    return store


def patches(store: VolumeStore, **more: Any) -> PatchDataset:
    return PatchDataset(store, PATCH, patches_per_case=3, seed=7, **more)


def batches(dataset: PatchDataset, **more: Any) -> TrainBatches:
    return TrainBatches(Shuffle(range(len(dataset)), 7), 5, **more)


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    assert ours.keys() == theirs.keys()
    return all(
        torch.equal(value, theirs[name]) if isinstance(value, torch.Tensor) else value == theirs[name]
        for name, value in ours.items()
    )


def test_a_batch_is_what_lies_there(store: VolumeStore) -> None:
    dataset = patches(store)
    batch = dataset.__getitems__([(0, 0, index) for index in range(12)])
    assert batch["image"].shape == batch["label"].shape == (12, 1, *PATCH)
    assert (batch["image"].dtype, batch["label"].dtype) == (torch.float32, torch.uint8)
    assert batch["affine"].dtype == torch.float64
    assert batch["id"] == ["a", "b", "c", "d"] * 3
    assert batch["index"] == [0, 1, 2, 3] * 3
    assert len(set(batch["seed"])) == 12
    assert len(set(batch["start"])) > 6
    for at, (case, (d, h, w)) in enumerate(zip([*store] * 3, batch["start"], strict=True)):
        cut = (slice(None), slice(d, d + 4), slice(h, h + 6), slice(w, w + 8))
        np.testing.assert_array_equal(batch["image"][at], case.image[cut])
        assert case.label is not None
        np.testing.assert_array_equal(batch["label"][at], case.label[cut])
        np.testing.assert_allclose(batch["affine"][at] @ torch.tensor([0, 0, 0, 1.0]).double(), AFFINE @ [w, h, d, 1])
        np.testing.assert_array_equal(batch["affine"][at][:3, :3], AFFINE[:3, :3])


def test_foreground_is_in_the_last_third(store: VolumeStore) -> None:
    dataset = patches(store)
    for epoch in range(10):
        batch = dataset.__getitems__([(epoch, 0, index) for index in range(6)])
        assert (batch["label"][4:] > 0).flatten(1).any(1).all()


def test_draws_depend_on_epoch_seed_and_repeat_alone(store: VolumeStore) -> None:
    dataset = patches(store, sampling=PosNegRatio())
    one = dataset.__getitems__([(3, 0, 5), (3, 1, 5), (4, 0, 5)])
    assert len(set(one["seed"])) == 3
    again = patches(store, sampling=PosNegRatio()).__getitems__([(9, 0, 1), (3, 0, 5)])
    assert torch.equal(one["image"][0], again["image"][1])
    assert one["seed"][0] == again["seed"][1]
    other = PatchDataset(store, PATCH, patches_per_case=3, seed=8).__getitems__([(3, 0, 5)])
    assert other["seed"][0] != one["seed"][0]
    assert same(dataset[5], dataset.__getitems__([(0, 0, 5)]))


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_the_same_batches_with_any_workers(store: VolumeStore, context: str) -> None:
    dataset = patches(store)
    expected = list(PatchLoader(dataset, batches(dataset), threads=0))
    assert len(expected) == 3
    for workers in (1, 4) if context == "fork" else (1,):
        loader = TrainLoader(
            dataset,
            batch_sampler=batches(dataset),
            num_workers=workers,
            multiprocessing_context=context,
            collate_fn=as_it_is,
        )
        assert all(same(*pair) for pair in zip(expected, loader, strict=True))


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_the_same_batches_with_any_threads_and_after_a_resume(store: VolumeStore, threads: int) -> None:
    dataset = patches(store)
    order = batches(dataset)
    expected = []
    for epoch in range(2):
        order.set_epoch(epoch)
        expected += list(PatchLoader(dataset, order, threads=0))
    assert not same(expected[0], expected[3])
    first = PatchLoader(dataset, batches(dataset), threads=threads)
    for ours, theirs in zip(islice(first, 2), expected, strict=False):
        assert same(ours, theirs)
    position = first.state_dict()
    assert position == {"epoch": 0, "batches_done": 2}
    resumed = PatchLoader(patches(store), batches(dataset), threads=threads)
    resumed.load_state_dict(position)
    found = list(resumed)
    resumed.batch_sampler.set_epoch(1)
    found += list(resumed)
    assert len(resumed) == 3
    assert all(same(*pair) for pair in zip(expected[2:], found, strict=True))
    with pytest.raises(CheckpointError, match="batch 9"):
        resumed.load_state_dict({"epoch": 0, "batches_done": 9})


def test_batches_that_are_held_stay_as_they_are(store: VolumeStore) -> None:
    dataset = patches(store)
    order = batches(dataset)
    held = [batch["image"] for _ in range(8) for batch in PatchLoader(dataset, order, threads=2)]
    for at in range(3, len(held)):
        assert torch.equal(held[at], held[at - 3])


def test_a_transform_and_its_error_arrive(store: VolumeStore) -> None:
    def double(batch: dict[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
        assert batch["seed"] == seeds
        return {**batch, "image": batch["image"] * 2}

    plain, twice = patches(store), patches(store, transform=double)
    assert torch.equal(plain[2]["image"] * 2, twice[2]["image"])

    def fail(batch: dict[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
        raise DataError("no")

    broken = patches(store, transform=fail)
    with pytest.raises(DataError, match="no"):
        next(iter(PatchLoader(broken, batches(broken), threads=2)))


def test_a_chain_is_a_transform(store: VolumeStore) -> None:
    chain = Chain([GaussianNoise(probability=1.0)])
    plain = patches(store).__getitems__([(2, 0, 5), (2, 0, 1)])
    noisy = patches(store, transform=chain).__getitems__([(2, 0, 5), (2, 0, 1)])
    assert not torch.equal(noisy["image"], plain["image"])
    assert torch.equal(noisy["image"], chain(plain, plain["seed"])["image"])


def test_a_patch_larger_than_the_volume_is_padded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = VolumeStore([write_case(tmp_path, "slice", (1, 12, 14))], tmp_path / "cache")
    border = Border(image=-9, label=255)
    batch = PatchDataset(one, (3, 6, 20), border=border)[0]
    assert "1 of 1 cases are smaller than a patch of 3×6×20" in caplog.text
    assert batch["start"][0][::2] == (-1, -3)
    h = batch["start"][0][1]
    image, label = batch["image"][0, 0].numpy(), batch["label"][0, 0].numpy()
    np.testing.assert_array_equal(image[1, :, 3:17], one[0].image[0, 0, h : h + 6])
    assert (image[[0, 2]] == -9).all()
    assert (label[[0, 2]] == 255).all()
    assert (image[1, :, :3] == -9).all()
    np.testing.assert_allclose(batch["affine"][0] @ torch.tensor([3, -h, 1, 1.0]).double(), AFFINE @ [0, 0, 0, 1])
    edge = PatchDataset(one, (3, 6, 20), border=Border("edge"))[0]["image"][0, 0]
    assert torch.equal(edge[0], edge[1])
    assert torch.equal(edge[1, :, :3], edge[1, :, 3:4].expand(-1, 3))
    ignored = PatchDataset(one, (3, 6, 20), border=Border(label=-1))[0]["label"]
    assert (ignored.dtype, int(ignored.min())) == (torch.int16, -1)


def test_extras_and_dtypes(tmp_path: Path) -> None:
    case = write_case(tmp_path, "a")
    write_volume(tmp_path / "w.nii", Volume(np.full((2, 9, 12, 14), 0.25), AFFINE))
    store = VolumeStore([VolumeCase("a", case.images, case.label, {"weight": tmp_path / "w.nii"})], tmp_path / "cache")
    batch = PatchDataset(store, PATCH, label_dtype=torch.int64)[0]
    assert batch["weight"].shape == (1, 2, *PATCH)
    assert (batch["weight"] == 0.25).all()
    assert batch["label"].dtype == torch.int64


def test_what_can_not_be_a_batch(store: VolumeStore, tmp_path: Path) -> None:
    write_volume(tmp_path / "two.nii", Volume(np.zeros((2, 9, 12, 14), np.int16), AFFINE))
    mixed = VolumeStore(
        [VolumeCase("two", tmp_path / "two.nii", store.cases[0].label), store.cases[0]], tmp_path / "cache"
    )
    with pytest.raises(DataError, match=r"'two' has 2 channels, a label, extras: none; 'a' has 1 channels"):
        PatchDataset(mixed, PATCH)
    with pytest.raises(ConfigError, match="patch_size"):
        PatchDataset(store, (4, 0, 4))
    with pytest.raises(ConfigError, match="patches_per_case"):
        PatchDataset(store, PATCH, patches_per_case=0)
    with pytest.raises(ConfigError, match="does not hold"):
        PatchDataset(store, PATCH, label_dtype=torch.uint8, border=Border(label=-1))
    with pytest.raises(ConfigError, match="mode"):
        Border("mirror")  # type: ignore[arg-type]


def test_only_the_patch_is_read(tmp_path: Path) -> None:
    shape = (64, 256, 256)
    write_volume(tmp_path / "a.nii", Volume(np.zeros(shape, np.int16), AFFINE))
    store = VolumeStore([VolumeCase("a", tmp_path / "a.nii")], tmp_path / "cache", labels=False)
    store.fill()
    before = _mapped_kib(store)
    PatchReader(store, (4, 16, 256)).read([(0, (30, 50, 0))])
    assert before == 0
    assert 16 <= _mapped_kib(store) <= 4096  # of 8 MiB; the kernel maps pages around each touched one, too


def _mapped_kib(store: VolumeStore) -> int:
    """Return how much of the store's files is in this process' memory."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            inside = str(store.cache.folder) in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def test_a_grid_shows_every_voxel_once(store: VolumeStore) -> None:
    grid = PatchGrid(store, (4, 5, 14))
    assert len(grid) == 4 * 3 * 3
    loader = DataLoader(grid, batch_sampler=EvaluationBatches(len(grid), 5), collate_fn=as_it_is)
    assembler, whole = PatchAssembler(grid), {}
    for batch in loader:
        whole |= dict(assembler.add(batch, torch.cat([batch["image"], batch["label"].float()], 1)))
    assert list(whole) == [0, 1, 2, 3]
    for case, found in zip(store, whole.values(), strict=True):
        assert case.label is not None
        np.testing.assert_array_equal(found, np.concatenate([case.image, case.label]))


def test_what_does_not_fit_the_grid(store: VolumeStore) -> None:
    grid = PatchGrid(store, PATCH)
    assembler = PatchAssembler(grid)
    with pytest.raises(DataError, match="values of shape"):
        assembler.add(grid[0], torch.zeros(1, 2, 4, 6, 7))
    assembler.add(grid[0], grid[0]["image"])
    with pytest.raises(DataError, match="came twice"):
        assembler.add(grid[0], grid[0]["image"])


def test_the_same_patch_as_monai(store: VolumeStore) -> None:
    monai = pytest.importorskip("monai.transforms")
    case = store.cases[1]
    load = monai.LoadImage(ensure_channel_first=True, image_only=True)
    batch = patches(store)[5]
    start = batch["start"][0][::-1]
    crop = monai.SpatialCrop(roi_start=start, roi_end=[at + size for at, size in zip(start, PATCH[::-1], strict=True)])
    theirs = crop(load(case.files()["image 0"][0]))
    np.testing.assert_array_equal(batch["image"][0], theirs.as_tensor().permute(0, 3, 2, 1))
    np.testing.assert_allclose(batch["affine"][0], theirs.affine, atol=1e-6)
