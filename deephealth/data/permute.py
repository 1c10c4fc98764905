"""The label-shuffle test: a pipeline that still scores after its training labels were permuted has a leak."""

from __future__ import annotations

import random
from dataclasses import replace

from deephealth.core.seeds import counter_seed
from deephealth.data.split import Split

__all__ = ["shuffle_labels"]


def shuffle_labels(split: Split, *, seed: int) -> Split:
    """Return the split with the truth (label and mask) of the training samples permuted among them.

    Counts per class stay as they are, val and test keep their truth, and the result does not depend on the order in
    which the samples were found.

    Args:
        split: train, val and test.
        seed: of the permutation.
    """
    ordered = sorted(split.train, key=lambda sample: sample.id)
    donors = ordered.copy()
    random.Random(counter_seed(seed, "shuffle labels")).shuffle(donors)
    truth = {sample.id: donor for sample, donor in zip(ordered, donors, strict=True)}
    train = tuple(replace(sample, label=truth[sample.id].label, mask=truth[sample.id].mask) for sample in split.train)
    return replace(split, train=train, source=f"{split.source}; training labels permuted (seed {seed})")
