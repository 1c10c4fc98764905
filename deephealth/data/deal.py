"""Dealing whole groups into parts of given sizes with every class in proportion: iterative stratification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed
from deephealth.data.sample import Sample

__all__ = ["deal"]

_PASSES = 8
Counts = npt.NDArray[np.float64]


def deal(samples: Sequence[Sample], fractions: Sequence[float], *, seed: int, purpose: str) -> list[list[Sample]]:
    """Deal samples into parts so that no group is torn and every class stands in each part in proportion.

    Greedy, rarest class first: each group goes where its class is missing most; then groups are moved as long as that
    brings the counts nearer to the fractions. Ties and the order of groups come from a hash of (seed, purpose, group),
    so the result does not depend on the order of ``samples``, and large groups have no preferred part.
    Source: Sechidis et al., On the stratification of multi-label data, ECML PKDD 2011, here with groups.

    Args:
        samples: what is dealt; the label (``None`` counts as one) is the class.
        fractions: size of each part; they add up to 1. The first part is the one that must not lack a class.
        seed: of the draw.
        purpose: tells draws of one seed apart.

    Returns:
        One list per part; none is empty.

    Raises:
        DataError: fewer groups than parts.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    if len(groups) < len(fractions):
        raise DataError(
            f"{len(groups)} groups (patients or lesions) can't be dealt into {len(fractions)} parts",
            allowed="at least one group for each part",
            hint="use more data, fewer folds, or data.split.source=given",
        )
    names = sorted(groups, key=lambda name: (counter_seed(seed, purpose, name), name))
    table = _Table(_count(names, groups), np.asarray(fractions, dtype=np.float64))
    table.fill()
    table.refine()
    table.feed_empty_parts()
    parts: list[list[Sample]] = [[] for _ in fractions]
    for name, part in zip(names, table.part, strict=True):
        parts[part].extend(groups[name])
    return parts


def _count(names: Sequence[str], groups: dict[str, list[Sample]]) -> Counts:
    classes = sorted({sample.label or "" for members in groups.values() for sample in members})
    column = {label: at for at, label in enumerate(classes)}
    counts = np.zeros((len(names), len(classes)))
    for row, name in enumerate(names):
        for sample in groups[name]:
            counts[row, column[sample.label or ""]] += 1
    return counts


class _Table:
    """Groups (rows, in the order of their hash) x classes, and the part each group is in."""

    def __init__(self, counts_gk: Counts, fractions_p: Counts) -> None:
        self.counts = counts_gk
        self.totals = counts_gk.sum(axis=0)
        self.missing = fractions_p[:, None] * self.totals  # parts x classes: what each part still lacks
        self.part = np.full(len(counts_gk), -1, dtype=np.int64)
        self.weight = 1 / self.totals  # a sample of a rare class counts as much as its share

    def fill(self) -> None:
        """Give each group to the part that lacks its rarest class most."""
        rarity = np.argsort(self.totals, kind="stable")
        for column in rarity:
            for group in np.flatnonzero((self.part < 0) & (self.counts[:, column] > 0)):
                lacking = self.missing[:, column]
                nearest = np.flatnonzero(lacking >= lacking.max() - 1e-9)
                most = nearest[int(np.argmax(self.missing[nearest].sum(axis=1)))]
                self._put(int(group), int(most))

    def refine(self) -> None:
        """Move single groups as long as that lowers the weighted squared distance from the fractions."""
        for _ in range(_PASSES):
            if np.abs(self.missing).max() < 1:  # no part is a whole sample off
                return
            moved = sum(self._move_if_better(group) for group in range(len(self.part)))
            if not moved:
                return

    def feed_empty_parts(self) -> None:
        """Give each empty part the smallest group of the largest part, one whose classes stay behind where possible."""
        for part in range(len(self.missing)):
            if np.any(self.part == part):
                continue
            donor = int(np.bincount(self.part, minlength=len(self.missing)).argmax())
            groups = np.flatnonzero(self.part == donor)
            left = self.counts[groups].sum(axis=0) - self.counts[groups]
            lost = ((left == 0) & (self.counts[groups] > 0)).sum(axis=1)
            self._put(int(groups[np.lexsort((self.counts[groups].sum(axis=1), lost))[0]]), part)

    def _put(self, group: int, part: int) -> None:
        if self.part[group] >= 0:
            self.missing[self.part[group]] += self.counts[group]
        self.missing[part] -= self.counts[group]
        self.part[group] = part

    def _move_if_better(self, group: int) -> bool:
        counts, here = self.counts[group], int(self.part[group])
        # (missing - counts)^2 - missing^2, weighted: what arriving costs each part, and what leaving saves this one
        arriving = (counts * counts - 2 * self.missing * counts) @ self.weight
        leaving = float((counts * counts + 2 * self.missing[here] * counts) @ self.weight)
        arriving[here] = -leaving
        best = int(arriving.argmin())
        if arriving[best] + leaving >= -1e-9 or self._must_stay(group, here):
            return False
        self._put(group, best)
        return True

    def _must_stay(self, group: int, here: int) -> bool:
        """Whether its part would be empty, or train would lack a class, without this group."""
        members = self.part == here
        left = self.counts[members].sum(axis=0) - self.counts[group]
        return int(members.sum()) == 1 or (here == 0 and bool(np.any((left == 0) & (self.counts[group] > 0))))
