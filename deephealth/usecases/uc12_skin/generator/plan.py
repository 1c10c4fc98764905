"""Which images a generated set has: how many lesions of each class, and how many views of each lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deephealth.core.seeds import counter_seed
from deephealth.usecases.uc12_skin.classes import CLASSES

__all__ = ["Planned", "plan"]

# Images per class in HAM10000, and how its diagnoses were confirmed.
_FREQUENCIES = {"akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6705, "vasc": 142}
_CONFIRMED = {
    "histopathology": 0.53,
    "serial imaging showing no change": 0.37,
    "single image expert consensus": 0.09,
    "confocal microscopy with consensus dx": 0.01,
}
_VIEWS = (1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3)  # drawn from: three images for every two lesions or so
_FEW = 6  # images that even the rarest class gets where there are enough, so that each split can have some


@dataclass(frozen=True, slots=True)
class Planned:
    """One image of the set."""

    image_id: str
    lesion_id: str
    label: str
    confirmation: str


def plan(n: int, seed: int, *, balanced: bool = False) -> list[Planned]:
    """Return the images of a set, in order of their ids; classes and views are shuffled over the ids.

    Ids begin with 9, which no image of the ISIC archive does.

    Args:
        n: number of images.
        seed: of the set.
        balanced: as many images of each class, instead of HAM10000's frequencies.

    Example:
        >>> [item.label for item in plan(7, 0, balanced=True)] != sorted(CLASSES)
        True
    """
    rng = np.random.default_rng(counter_seed(seed, "plan", n))
    lesions: list[tuple[str, int]] = []  # class and number of views
    for label, count in _counts(n, balanced=balanced).items():
        while count > 0:
            views = min(int(rng.choice(_VIEWS)), count)
            lesions.append((label, views))
            count -= views
    views_of = [number for number, (_, views) in enumerate(lesions) for _ in range(views)]
    order = rng.permutation(n)
    names = rng.permutation(len(lesions))
    confirmed = rng.choice(list(_CONFIRMED), len(lesions), p=list(_CONFIRMED.values()))
    return [
        Planned(
            image_id=f"ISIC_{9_000_000 + position:07d}",
            lesion_id=f"HAM_{9_000_000 + names[views_of[which]]:07d}",
            label=lesions[views_of[which]][0],
            confirmation=_confirmation(lesions[views_of[which]][0], str(confirmed[views_of[which]])),
        )
        for position, which in enumerate(order)
    ]


def _confirmation(label: str, drawn: str) -> str:
    malignant = label in ("mel", "bcc", "akiec")  # always excised or biopsied
    return "histopathology" if malignant else drawn


def _counts(n: int, *, balanced: bool) -> dict[str, int]:
    """Deal n images to the classes by largest remainder, with a floor for rare ones."""
    weights = np.array([1 if balanced else _FREQUENCIES[label] for label in CLASSES], dtype=float)
    floor = min(_FEW, n // len(CLASSES))
    exact = weights / weights.sum() * (n - floor * len(CLASSES))
    counts = np.floor(exact).astype(int)
    for position in np.argsort(counts - exact, kind="stable")[: n - floor * len(CLASSES) - counts.sum()]:
        counts[position] += 1
    return {label: int(count) + floor for label, count in zip(CLASSES, counts, strict=True)}
