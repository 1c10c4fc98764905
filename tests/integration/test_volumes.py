"""The how-to of volumes, run as it stands: files, store, patches, augmentation, training, windows, scores."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deephealth.io import read_volume

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "train-on-volumes.md"


@pytest.mark.slow
def test_the_how_to_of_volumes_works_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(blocks) == 7
    scores = names["scores"].compute()
    assert min(scores["dice"]) > 0.8  # on a volume that was in no batch
    assert max(scores["hausdorff"]) < 6
    predicted, image = read_volume("build/volumes/predicted.nii.gz"), read_volume("build/volumes/3.nii.gz")
    assert predicted.shape == image.shape
    assert torch.equal(torch.as_tensor(predicted.affine), torch.as_tensor(image.affine))
    assert torch.equal(torch.as_tensor(predicted.data).squeeze(), names["labels"][0])


@pytest.fixture
def patches(tmp_path):
    """Patches of two small cases, augmented as nnU-Net does, with a transform of MONAI in the chain."""
    from monai.transforms import RandGaussianSmoothd

    from deephealth.data import PatchDataset, VolumeCase, VolumeStore
    from deephealth.io import Volume, write_volume
    from deephealth.transforms.volume import Chain, nnunet_augmentation

    numbers = np.random.default_rng(0)
    cases = []
    for name in ("a", "b"):
        image, label = tmp_path / f"{name}.nii", tmp_path / f"{name}_label.nii"
        write_volume(image, Volume(numbers.normal(0, 100, (18, 20, 22)).astype(np.int16), np.diag([1, 1, 2.0, 1])))
        write_volume(label, Volume(numbers.integers(0, 3, (18, 20, 22)).astype(np.uint8), np.diag([1, 1, 2.0, 1])))
        cases.append(VolumeCase(name, image, label))
    store = VolumeStore(cases, tmp_path / "cache")
    store.fill()
    chain = Chain([*nnunet_augmentation((12, 12, 12)).transforms, RandGaussianSmoothd(["image"], prob=0.5)])
    return PatchDataset(store, (12, 12, 12), patches_per_case=6, seed=3, transform=chain)


def batches_of(patches, *, workers: int, skip: int = 0):
    from deephealth.data import TrainBatches, TrainLoader, as_it_is
    from deephealth.data.sampler import Shuffle

    batches = TrainBatches(Shuffle(range(len(patches)), seed=1), batch_size=2)
    batches.set_epoch(4)
    loader = TrainLoader(patches, batch_sampler=batches, num_workers=workers, collate_fn=as_it_is)
    if skip:
        loader.load_state_dict({"epoch": 4, "batches_done": skip})
    return [(batch["image"].clone(), batch["label"].clone(), batch["affine"].clone(), batch["id"]) for batch in loader]


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_augmented_batches_are_the_same_with_any_workers_and_after_a_resume(patches):
    wanted = batches_of(patches, workers=0)
    assert len(wanted) == 6
    assert len({image.sum().item() for image, *_ in wanted}) == 6
    for workers, skip in ((1, 0), (4, 0), (0, 3), (4, 3)):
        found = batches_of(patches, workers=workers, skip=skip)
        assert len(found) == 6 - skip
        for ours, theirs in zip(found, wanted[skip:], strict=True):
            assert all(torch.equal(a, b) for a, b in zip(ours[:3], theirs[:3], strict=True))
            assert ours[3] == theirs[3]
