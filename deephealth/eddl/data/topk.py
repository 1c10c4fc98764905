"""The most probable classes as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deephealth.eddl.errors import EddlError
from deephealth.eddl.tensor import Tensor

__all__ = ["get_topk_predictions"]


def get_topk_predictions(class_probs: Tensor, class_names: Sequence[str], k: int = 5, decimals: int = 2) -> str:
    """Return the ``k`` most probable classes, one line each, the best first.

    Args:
        class_probs: probabilities of one sample, any shape with one element per class.
        class_names: the classes' names, in the same order.
        k: how many lines; fewer than there are classes.
        decimals: decimals of the percentages.

    Raises:
        EddlError: there are no probabilities, as many names as probabilities are not given, or ``k`` is out of range.

    Example:
        >>> print(get_topk_predictions(Tensor.fromarray([0.25, 0.7, 0.05]), ["cat", "dog", "cow"], k=2), end="")
        1. dog (70.00%)
        2. cat (25.00%)
    """
    title = "eddl.get_topk_predictions"
    values = np.asarray(class_probs.getdata(), dtype=np.float32).ravel() if class_probs is not None else np.empty(0)
    if values.size == 0:
        raise EddlError(title, "the tensor of probabilities is empty", hint="give the output of eddl.predict(...)")
    if values.size != len(class_names):
        what = f"there are {values.size} probabilities and {len(class_names)} class names"
        raise EddlError(title, what, allowed="one name per probability", hint="select one sample: probs.select(['0'])")
    if not 0 < k < values.size:
        raise EddlError(title, f"k is {k}", allowed=f"1 to {values.size - 1}, fewer than there are classes")
    best = np.argsort(-values, kind="stable")[:k]
    percent = values * np.float32(100)
    lines = [f"{place}. {class_names[i]} ({percent[i]:.{decimals}f}%)\n" for place, i in enumerate(best, 1)]
    return "".join(lines)
