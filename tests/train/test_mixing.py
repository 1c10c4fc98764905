from __future__ import annotations

import pytest
import torch

from deephealth.train.mixing import CutMix, Mixup, NoMix


def images() -> torch.Tensor:
    return torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 10, 12).contiguous()


def test_mixup_mixes_with_the_share() -> None:
    torch.manual_seed(0)
    mixed = Mixup(alpha=1.0)(images(), 0.0)
    assert mixed.partner is not None
    assert 0.5 <= mixed.share <= 1.0
    expected = mixed.share * images() + (1 - mixed.share) * images()[mixed.partner]
    torch.testing.assert_close(mixed.image, expected)


def test_cutmix_share_is_the_area_that_stayed() -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        mixed = CutMix(probability=1.0)(images(), 0.0)
        assert mixed.partner is not None
        own = (mixed.image == images()).float().mean(dim=(1, 2, 3))
        moved = mixed.partner != torch.arange(6)
        torch.testing.assert_close(own[moved], torch.full_like(own[moved], mixed.share))


@pytest.mark.parametrize("mix", [NoMix(), Mixup(probability=0.0), CutMix(until=0.5)])
def test_whole_images(mix: NoMix | Mixup | CutMix) -> None:
    mixed = mix(images(), 0.5)
    assert mixed.partner is None
    assert torch.equal(mixed.image, images())


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_bad_alpha(kind: type[Mixup] | type[CutMix]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        kind(alpha=0.0)
