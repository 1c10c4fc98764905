"""What the report says of the lake's objects, from one pass over the journal: counts, and a few painted objects."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from deephealth.lake.actions import Action
from deephealth.lake.check.report_samples import Painted
from deephealth.lake.intake.journal import PublishedObject

__all__ = ["ObjectCounts", "Runs", "count_objects", "sum_runs"]


@dataclass(slots=True)
class ObjectCounts:
    """Counts over all released objects.

    Args:
        objects: how many.
        subjects: how many patients they belong to.
        bytes: their size.
        datasets: objects by data set.
        modalities: objects by modality.
        actions: how often each action was taken, by modality.
        executed: on how many objects each option was executed, by code.
        pixels: modality -> what became of pixels -> objects.
        painted: objects with boxes.
        boxes: rectangles by why they were painted.
        sample: some painted objects.
    """

    objects: int = 0
    subjects: int = 0
    bytes: int = 0
    datasets: Counter[str] = field(default_factory=Counter)
    modalities: Counter[str] = field(default_factory=Counter)
    actions: dict[str, Counter[Action]] = field(default_factory=dict)
    executed: Counter[str] = field(default_factory=Counter)
    pixels: dict[str, Counter[str]] = field(default_factory=dict)
    painted: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    sample: tuple[Painted, ...] = ()

    def total(self) -> Counter[Action]:
        """Return how often each action was taken in all."""
        return sum(self.actions.values(), Counter[Action]())


def count_objects(objects: Iterable[PublishedObject], *, samples: int, seed: int) -> ObjectCounts:
    """Go over the released objects once.

    Args:
        objects: from the journal.
        samples: how many painted objects are drawn by chance.
        seed: the same seed draws the same.
    """
    counts, subjects = ObjectCounts(), set[str]()
    heap: list[tuple[int, str, Painted]] = []
    for one in objects:
        facts = one.facts
        modality = facts.modality or facts.format
        subjects.add(facts.subject)
        counts.objects, counts.bytes = counts.objects + 1, counts.bytes + facts.bytes
        counts.datasets[one.dataset] += 1
        counts.modalities[modality] += 1
        actions = counts.actions.setdefault(modality, Counter())
        actions.update(one.tally)
        actions[Action.HIDDEN] += 0 if one.tally[Action.HIDDEN] else len(one.boxes)
        counts.executed.update(one.executed)
        counts.pixels.setdefault(modality, Counter())[facts.pixels] += 1
        if one.boxes:
            counts.painted += 1
            counts.boxes.update(str(box["why"]) for box in one.boxes)
            draw = int(hashlib.sha256(f"{seed}/{one.path}".encode()).hexdigest(), 16)
            heapq.heappush(heap, (-draw, one.path, Painted(one.path, facts.key, modality, one.boxes)))
            if len(heap) > samples:
                heapq.heappop(heap)
    counts.subjects = len(subjects)
    counts.sample = tuple(sorted((painted for *_, painted in heap), key=lambda one: (one.modality, one.key)))
    return counts


@dataclass(frozen=True, slots=True)
class Runs:
    """All finished intakes.

    Args:
        rows: each with its number, data set and counts.
        total: the sums of the same.
        dropped: files with nothing to release, by kind.
        skipped: what was seen and not opened, by kind.
        adds_up: whether every file of every run has one end.
    """

    rows: tuple[dict[str, Any], ...]
    total: dict[str, int]
    dropped: Counter[str]
    skipped: Counter[str]
    adds_up: bool


def sum_runs(reports: Iterable[dict[str, Any]]) -> Runs:
    """Return the counts of all runs.

    Args:
        reports: as :meth:`deephealth.lake.intake.journal.Journal.reports` gives them.

    Example:
        >>> sum_runs([{"found": 3, "released": 2, "quarantined": {"hostile": 1}}]).adds_up
        True
    """
    rows, dropped, skipped = [], Counter[str](), Counter[str]()
    for number, report in enumerate(reports, 1):
        row: dict[str, Any] = {name: int(report.get(name, 0)) for name in ("found", "released", "duplicates")}
        row["quarantined"] = sum(report.get("quarantined", {}).values())
        row["dropped"] = sum(report.get("dropped", {}).values())
        row["missing"] = row["found"] - sum(row[name] for name in ("released", "duplicates", "quarantined", "dropped"))
        row["retracted"] = int(report.get("retracted", 0))
        dropped.update(report.get("dropped", {}))
        skipped.update(report.get("skipped", {}))
        rows.append({"number": number, "dataset": str(report.get("dataset", "")), **row})
    names = ("found", "released", "duplicates", "quarantined", "dropped", "missing", "retracted")
    total = {name: sum(row[name] for row in rows) for name in names}
    return Runs(tuple(rows), total, dropped, skipped, all(row["missing"] == 0 for row in rows))
