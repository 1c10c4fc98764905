"""`deephealth data check`: everything that is wrong with a data set, in one list, before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deephealth.data.inspection import Inspection, inspect_samples
from deephealth.data.sample import DataIndex, Problem, Sample
from deephealth.data.split import SPLITS

__all__ = ["CheckReport", "check"]

_UNLABELLED, _UNSPLIT = "(no label)", "(no split)"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a data set holds and what is wrong with it.

    Args:
        root: its folder.
        layout: how it lies on disk.
        classes: class names.
        counts: class -> split -> number of samples.
        num_samples: all samples.
        num_groups: patients or lesions.
        num_masks: samples with a mask.
        read_files: whether every file was decoded.
        problems: errors first.
    """

    root: str
    layout: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    num_samples: int
    num_groups: int
    num_masks: int
    read_files: bool
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop training."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {**asdict(self), "ok": self.ok}

    def render(self) -> str:
        """Return the report as text for a terminal."""
        lines = [
            f"{self.root}: layout {self.layout}",
            f"{self.num_samples} samples, {self.num_groups} groups (patients or lesions), {self.num_masks} masks",
            "",
            *_count_table(self.counts),
            "",
            *_listed("error", self.errors),
            *_listed("warning", self.warnings),
        ]
        files = "every file was decoded" if self.read_files else "the files were not opened"
        verdict = "no errors" if self.ok else f"{len(self.errors)} errors"
        return "\n".join([*lines, f"{verdict}, {len(self.warnings)} warnings; {files}"])


def check(
    index: DataIndex, *, read_files: bool = True, progress: Callable[[int, int], object] | None = None
) -> CheckReport:
    """Look for everything that is wrong with a data set; nothing is raised for what the data does.

    Errors: missing or unreadable files, masks of another size than their picture, the same id twice, labels that are
    not classes, a group in two given splits, the same picture in two splits, a class in test that train never has.
    Warnings: the same picture twice inside a split, samples without label or mask where others have one.

    Args:
        index: what an adapter found; its problems are part of the report.
        read_files: decode every picture and mask, and compare contents. Without it, only the index is looked at.
        progress: called with (done, total) while files are read.
    """
    problems = [*index.problems, *_check_index(index)]
    if read_files:
        inspections = inspect_samples(index.samples, progress=progress)
        problems += [problem for inspection in inspections for problem in inspection.problems]
        problems += _duplicates(index.samples, inspections)
    unique = dict.fromkeys(problems)
    return CheckReport(
        root=str(index.root),
        layout=index.layout,
        classes=index.classes,
        counts=_counts(index),
        num_samples=len(index.samples),
        num_groups=len({sample.group for sample in index.samples}),
        num_masks=sum(sample.mask is not None for sample in index.samples),
        read_files=read_files,
        problems=tuple(sorted(unique, key=lambda problem: problem.severity)),
    )


def _counts(index: DataIndex) -> dict[str, dict[str, int]]:
    counted = Counter((sample.label or _UNLABELLED, sample.split or _UNSPLIT) for sample in index.samples)
    splits = [name for name in (*SPLITS, _UNSPLIT) if any(split == name for _, split in counted)]
    classes = [*index.classes, *sorted({label for label, _ in counted} - set(index.classes))]
    return {label: {split: counted[label, split] for split in splits} for label in classes}


def _check_index(index: DataIndex) -> Iterator[Problem]:
    yield from _repeated_ids(index.samples)
    yield from _unknown_labels(index)
    yield from _torn_groups(index.samples)
    yield from _unlearnable_classes(index.samples)
    yield from _lacking(index, "label", expected=bool(index.classes))
    yield from _lacking(index, "mask", expected=any(sample.mask is not None for sample in index.samples))


def _repeated_ids(samples: Iterable[Sample]) -> Iterator[Problem]:
    for name, count in Counter(sample.id for sample in samples).items():
        if count > 1:
            yield Problem("error", "duplicate-id", name, f"{count} samples are called '{name}'")


def _unknown_labels(index: DataIndex) -> Iterator[Problem]:
    for label in sorted({sample.label for sample in index.samples if sample.label is not None} - set(index.classes)):
        first = next(sample.id for sample in index.samples if sample.label == label)
        known = ", ".join(index.classes) or "none"
        yield Problem("error", "unknown-label", first, f"the label '{label}' is not one of the classes ({known})")


def _torn_groups(samples: Iterable[Sample]) -> Iterator[Problem]:
    splits: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.split is not None:
            splits[sample.group].add(sample.split)
    for group, found in splits.items():
        if len(found) > 1:
            names = " and ".join(sorted(found, key=_split_rank))
            yield Problem("error", "leak", group, f"the group (patient or lesion) '{group}' stands in {names}")


def _split_rank(name: str) -> int:
    return SPLITS.index(name) if name in SPLITS else len(SPLITS)


def _unlearnable_classes(samples: Iterable[Sample]) -> Iterator[Problem]:
    labels: dict[str | None, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.label is not None:
            labels[sample.split].add(sample.label)
    for label in sorted(labels["test"] - labels["train"]) if labels["train"] else ():
        yield Problem("error", "class-only-in-test", label, f"test has samples of '{label}', and train has none")


def _lacking(index: DataIndex, target: str, *, expected: bool) -> Iterator[Problem]:
    known = {problem.where for problem in index.problems if problem.kind == f"missing-{target}"}
    for sample in index.samples if expected else ():
        if getattr(sample, target) is None and not known & {sample.id, str(sample.image)}:
            yield Problem("warning", f"missing-{target}", sample.id, f"the picture {sample.image} has no {target}")


def _duplicates(samples: Iterable[Sample], inspections: Iterable[Inspection]) -> Iterator[Problem]:
    same: dict[str, list[Sample]] = defaultdict(list)
    for sample, inspection in zip(samples, inspections, strict=True):
        if inspection.digest:
            same[inspection.digest].append(sample)
    for copies in same.values():
        if len(copies) > 1:
            yield from _judge_copies(copies)


def _judge_copies(copies: list[Sample]) -> Iterator[Problem]:
    names = ", ".join(sample.id for sample in copies[:5]) + (", ..." if len(copies) > 5 else "")
    splits = {sample.split for sample in copies if sample.split is not None}
    groups = {sample.group for sample in copies}
    if len(splits) > 1:
        where = " and ".join(sorted(splits, key=_split_rank))
        yield Problem("error", "leak", copies[0].id, f"the same picture stands in {where}: {names}")
    else:
        more = " (of different groups: a drawn split could part them)" if len(groups) > 1 and not splits else ""
        yield Problem("warning", "duplicate", copies[0].id, f"the same picture {len(copies)} times: {names}{more}")
    labels = sorted({sample.label for sample in copies if sample.label is not None})
    if len(labels) > 1:
        yield Problem("warning", "label-conflict", copies[0].id, f"copies of one picture are called {labels}: {names}")


def _count_table(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    splits = list(next(iter(counts.values()), {}))
    width = max([len("class"), len("total"), *map(len, counts)])
    totals = {split: sum(row[split] for row in counts.values()) for split in splits}
    header = f"  {'class':<{width}}" + "".join(f"{split:>12}" for split in splits) + f"{'all':>8}"
    rows = [
        f"  {label:<{width}}" + "".join(f"{row[split]:>12}" for split in splits) + f"{sum(row.values()):>8}"
        for label, row in [*counts.items(), ("total", totals)]
    ]
    return [header, *rows]


def _listed(severity: str, problems: tuple[Problem, ...]) -> list[str]:
    lines = []
    for kind, count in Counter(problem.kind for problem in problems).items():
        lines.append(f"{severity}: {kind} ({count})")
        messages = [f"    {problem.where}: {problem.message}" for problem in problems if problem.kind == kind]
        lines += messages[:_SHOWN] + ([f"    ... and {count - _SHOWN} more"] if count > _SHOWN else [])
    return [*lines, ""] if lines else []
