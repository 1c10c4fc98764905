"""A chain: draws that depend on the sample alone, work that is put off without changing it, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from deephealth.core.errors import ConfigError, DataError
from deephealth.core.seeds import counter_seed
from deephealth.kernels.compilers import using
from deephealth.transforms.volume.base import TRACE, Batch, Draws, Params, VolumeTransform
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.intensity import BiasField, BrightnessMultiplicative, Contrast, Gamma, GaussianNoise
from deephealth.transforms.volume.intensity_filters import GaussianBlur, SimulateLowResolution


class Turn(VolumeTransform):
    """Flip along W, for half of the samples: moves voxels, and counts how often it looks."""

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        self.seen = float(sample["image"].sum())
        return {} if draws.happens(0.5) else None

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        def turned(key: str) -> torch.Tensor:
            pairs = zip(batch[key], params, strict=True)
            return torch.stack([value if one is None else value.flip(-1) for value, one in pairs])

        return {**batch, **{key: turned(key) for key in ("image", "label") if key in batch}}

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        return self.apply(batch, params)


def chain_of_all() -> Chain:
    return Chain(
        [
            Turn(),
            GaussianNoise(probability=0.7),
            GaussianBlur(probability=0.5, channel_probability=0.5),
            BrightnessMultiplicative(probability=0.7),
            Contrast(probability=0.7),
            SimulateLowResolution(probability=0.5),
            Gamma(probability=0.7, invert_probability=0.5),
            BiasField(probability=0.5),
        ]
    )


def some_batch(samples: int = 4) -> dict[str, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    image = torch.randn(samples, 2, 9, 10, 11, generator=numbers)
    return {"image": image, "label": (image[:, :1] > 0).to(torch.uint8)}


def test_a_sample_is_the_same_in_any_batch_and_order() -> None:
    chain, batch, seeds = chain_of_all(), some_batch(8), [counter_seed(0, 0, name) for name in range(8)]
    together = chain(batch, seeds)
    order = [5, 2, 7, 0]
    shuffled = chain({key: value[order] for key, value in batch.items()}, [seeds[at] for at in order])
    for key in batch:
        assert torch.equal(shuffled[key], together[key][order])
    other = chain(batch, [counter_seed(0, 1, name) for name in range(8)])
    assert not torch.equal(other["image"], together["image"])


def test_seeds_of_any_whole_number_type_are_one() -> None:
    batch = some_batch()
    expected = chain_of_all()(batch, [1, 2, 3, 4])["image"]
    for seeds in (np.arange(1, 5), torch.arange(1, 5)):
        assert torch.equal(chain_of_all()(batch, seeds)["image"], expected)


def test_the_given_batch_is_left_as_it_is() -> None:
    batch = some_batch()
    kept = {key: value.clone() for key, value in batch.items()}
    chain_of_all()(batch, range(4))
    assert all(torch.equal(batch[key], kept[key]) for key in batch)


def test_one_pass_gives_what_one_step_after_another_gives() -> None:
    chain, batch, seeds = chain_of_all(), some_batch(6), range(6)
    found = chain(batch, seeds)
    step_by_step: Batch = dict(batch)
    for place, transform in enumerate(chain.transforms):
        name = f"{place}/{type(transform).__name__}"
        looks = [{key: value[at] for key, value in step_by_step.items()} for at in range(6)]
        params = [transform.draw(Draws(seed, name), look) for seed, look in zip(seeds, looks, strict=True)]
        step_by_step = transform.apply(step_by_step, params)
    torch.testing.assert_close(found["image"], step_by_step["image"], rtol=0, atol=2e-5)
    assert torch.equal(found["label"], step_by_step["label"])


def test_the_reference_gives_the_same() -> None:
    batch = some_batch()
    found = chain_of_all()(batch, range(4))
    with using("reference"):
        expected = chain_of_all()(batch, range(4))
    torch.testing.assert_close(found["image"], expected["image"], rtol=0, atol=5e-5)


def test_a_transform_that_looks_sees_the_values_of_its_place() -> None:
    turn = Turn()
    found = Chain([BrightnessMultiplicative((2.0, 2.0)), turn])({"image": torch.ones(1, 1, 2, 2, 2)}, [0])
    assert turn.seen == float(found["image"].sum()) == 16


def test_geometry_is_undone_and_the_trace_checked() -> None:
    chain, batch = chain_of_all(), some_batch(6)
    found = chain(batch, range(6))
    assert not torch.equal(found["label"], batch["label"])
    back = chain.invert(found)
    assert torch.equal(back["label"], batch["label"])
    assert TRACE not in back
    with pytest.raises(DataError, match="no trace"):
        chain.invert(back)
    with pytest.raises(DataError, match="another chain"):
        Chain([Turn()]).invert(found)
    with pytest.raises(DataError, match="been through"):
        chain(found, range(6))


class Cases(Dataset[Any]):
    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def __len__(self) -> int:
        return 10

    def __getitem__(self, at: int) -> Any:
        image = torch.full((1, 1, 6, 7, 8), float(at)) + torch.arange(8)
        found = self.chain({"image": image, "label": image.to(torch.int16)}, [counter_seed(1, 0, f"case-{at}")])
        return found["image"][0], found["label"][0]


@pytest.mark.parametrize("with_monai", [False, True])
def test_the_number_of_workers_changes_nothing(with_monai: bool) -> None:
    chain = chain_of_all()
    if with_monai:
        monai = pytest.importorskip("monai.transforms")
        extra = [monai.RandFlipd(["image", "label"], prob=0.5), monai.RandGaussianNoised(["image"], prob=1.0)]
        chain = Chain([*chain.transforms, *extra])
    epochs = []
    for workers in (0, 1, 4):
        batches = list(DataLoader(Cases(chain), batch_size=3, num_workers=workers))
        epochs.append([torch.cat(parts) for parts in zip(*batches, strict=True)])
    for epoch in epochs[1:]:
        assert all(torch.equal(*pair) for pair in zip(epoch, epochs[0], strict=True))


def test_an_empty_batch_stays_empty() -> None:
    found = chain_of_all()({"image": torch.zeros(0, 1, 4, 4, 4)}, [])
    assert found["image"].shape == (0, 1, 4, 4, 4)
    assert found[TRACE] == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_slice_a_view_and_narrow_floats(dtype: torch.dtype) -> None:
    image = torch.randn(2, 1, 1, 8, 9).to(dtype).contiguous(memory_format=torch.channels_last_3d)
    found = chain_of_all()({"image": image}, [1, 2])
    assert found["image"].dtype == dtype
    assert found["image"].isfinite().all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ConfigError, match="neither"):
        Chain([Turn(), torch.nn.Identity(), 3])
    with pytest.raises(DataError, match="seeds"):
        chain_of_all()(some_batch(3), [1, 2])
    with pytest.raises(DataError, match="B×C×D×H×W"):
        chain_of_all()({"image": torch.zeros(1, 4, 4, 4)}, [1])
    with pytest.raises(DataError, match="floats"):
        chain_of_all()({"image": torch.zeros(1, 1, 4, 4, 4, dtype=torch.int16)}, range(1))
