"""Train, val and test: whole groups (patients, lesions), every class in proportion, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations, islice, zip_longest

from deephealth.config.schema import SplitConfig
from deephealth.core.errors import DataError, LeakError
from deephealth.data.deal import deal
from deephealth.data.sample import DataIndex, Sample

__all__ = ["SPLITS", "Split", "check_classes", "check_leaks", "make_split", "overfit_split"]

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """Three lists of samples that share no group.

    Args:
        train: to learn from.
        val: to choose a model with.
        test: to measure it with, once.
        source: where the split came from, in words.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    source: str

    def items(self) -> tuple[tuple[str, tuple[Sample, ...]], ...]:
        """Return (name, samples) of the three."""
        return ("train", self.train), ("val", self.val), ("test", self.test)


def make_split(index: DataIndex, config: SplitConfig) -> Split:
    """Deal the samples of a data set to train, val and test.

    The data set's own split is kept where it has one (``source: auto`` or ``given``); what it lacks is drawn by groups
    from its train, and ``Split.source`` says so. Samples that a given split leaves out stay out. With ``folds``, train
    and val together are dealt anew and ``fold`` becomes val; test stays.

    The draw depends on the seed, the groups and the labels, never on the order in which samples were found.

    Args:
        index: what an adapter found.
        config: source, fractions, seed, folds.

    Raises:
        LeakError: a given split has a group in two of its parts.
        DataError: no split is given and one was asked for; too few groups; the same id twice; or a class stands in test
            that train never saw.
    """
    _check_ids(index.samples)
    named = {sample.split for sample in index.samples if sample.split is not None}
    if config.source == "given" and not named:
        raise DataError(
            f"{index.root} brings no split of its own",
            allowed="a data set that says train, val or test for its samples",
            hint="set data.split.source=groups to draw one by patient",
        )
    parts, source = _given(index, config) if named and config.source != "groups" else _drawn(index.samples, config)
    if config.folds is not None:
        parts, source = _fold(parts, source, config, config.folds)
    split = _as_split({name: sorted(samples, key=_by_id) for name, samples in parts.items()}, source)
    check_leaks(split)
    check_classes(split)
    return split


def check_leaks(split: Split) -> None:
    """Prove that no group stands in two parts of a split.

    Raises:
        LeakError: with the first groups and both parts.
    """
    groups = {name: {sample.group for sample in samples} for name, samples in split.items()}
    for one, other in combinations(SPLITS, 2):
        both = sorted(groups[one] & groups[other])
        if both:
            listed = ", ".join(both[:5]) + (f" and {len(both) - 5} more" if len(both) > 5 else "")
            raise LeakError(
                f"{len(both)} of the groups (patients or lesions) stand in both {one} and {other}: {listed}",
                allowed="each group in one split",
                hint="set data.split.source=groups to draw a split by groups, or correct the data set's own",
            )


def check_classes(split: Split) -> None:
    """Prove that train has every class that test has.

    Raises:
        DataError: with the classes that training never sees.
    """
    learned = {sample.label for sample in split.train}
    unseen = sorted({sample.label for sample in split.test if sample.label is not None and sample.label not in learned})
    if unseen:
        listed = ", ".join(f"'{name}'" for name in unseen)
        raise DataError(
            f"test has samples of {listed}, and train has none",
            allowed="only classes that train has",
            hint="set data.split.source=groups to draw another split, or take these samples out of the data set",
        )


Parts = dict[str, list[Sample]]


def _as_split(parts: Parts, source: str) -> Split:
    return Split(tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]), source)


def _by_id(sample: Sample) -> str:
    return sample.id


def _check_ids(samples: Iterable[Sample]) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise DataError(f"two samples are called '{sample.id}'", hint="give each sample of the data set its own id")
        seen.add(sample.id)


def _drawn(samples: Iterable[Sample], config: SplitConfig) -> tuple[Parts, str]:
    listed = list(samples)
    dealt = deal(listed, config.fractions, seed=config.seed, purpose="train, val, test")
    shown = " / ".join(f"{fraction:g}" for fraction in config.fractions)
    return dict(zip(SPLITS, dealt, strict=True)), f"drawn by groups ({shown}, seed {config.seed})"


def _given(index: DataIndex, config: SplitConfig) -> tuple[Parts, str]:
    parts: Parts = {name: [] for name in SPLITS}
    for sample in index.samples:
        if sample.split is not None:
            _part(parts, sample).append(sample)
    if not parts["train"]:
        raise DataError(
            f"{index.root}: its own split has no training samples",
            hint="set data.split.source=groups to draw a split by patient",
        )
    check_leaks(_as_split(parts, "given"))  # before anything is drawn from it
    source = "given"
    for name in ("test", "val"):
        if not parts[name]:
            parts["train"], parts[name] = _draw_from_train(parts, name, config)
            source += f"; {name} drawn from train by groups (seed {config.seed})"
    left_out = len(index.samples) - sum(map(len, parts.values()))
    return parts, source + (f"; {left_out} samples it leaves out are not used" if left_out else "")


def _part(parts: Parts, sample: Sample) -> list[Sample]:
    if sample.split not in parts:
        raise DataError(f"sample '{sample.id}' is given to the split '{sample.split}'", allowed=", ".join(SPLITS))
    return parts[sample.split]


def _draw_from_train(parts: Parts, name: str, config: SplitConfig) -> tuple[list[Sample], list[Sample]]:
    fractions = dict(zip(SPLITS, config.fractions, strict=True))
    # Test is drawn first: val's share is still inside train then, unless the data set gave a val of its own.
    rest = sum(fractions[other] for other in SPLITS if other != name and (other == "train" or not parts[other]))
    share = fractions[name] / (fractions[name] + rest)
    train, drawn = deal(parts["train"], (1 - share, share), seed=config.seed, purpose=name)
    return train, drawn


def _fold(parts: Parts, source: str, config: SplitConfig, folds: int) -> tuple[Parts, str]:
    dealt = deal([*parts["train"], *parts["val"]], [1 / folds] * folds, seed=config.seed, purpose=f"{folds} folds")
    train = [sample for number, fold in enumerate(dealt) if number != config.fold for sample in fold]
    text = f"{source}; fold {config.fold} of {folds} is val (seed {config.seed})"
    return {"train": train, "val": dealt[config.fold], "test": parts["test"]}, text


def overfit_split(split: Split, count: int) -> Split:
    """Return a split whose three parts are the same few training samples, for a network to learn by heart.

    The classes take turns, so that ``count`` samples show as many of them as can be.

    Args:
        split: train, val and test.
        count: how many.
    """
    by_class: dict[str, list[Sample]] = {}
    for sample in split.train:
        by_class.setdefault(sample.label or "", []).append(sample)
    turns = zip_longest(*(by_class[label] for label in sorted(by_class)))
    few = tuple(islice((sample for turn in turns for sample in turn if sample is not None), count))
    return replace(split, train=few, val=few, test=few, source=f"{len(few)} training samples of: {split.source}")
