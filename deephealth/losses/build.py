"""Building a registered loss for a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import ConfigError, did_you_mean
from deephealth.losses.catalogue import LOSSES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build_loss"]


def build_loss(
    name: str, class_counts: Sequence[int], *, task: str, parameters: Mapping[str, Any] | None = None
) -> nn.Module:
    """Return the loss called ``name`` as a module ``loss(logits, target) -> scalar``.

    Args:
        name: registered name.
        class_counts: training samples of each class, in the order of the labels (segmentation may pass none).
        task: classification or segmentation.
        parameters: the loss's own parameters.

    Raises:
        UnknownNameError: no such loss.
        ConfigError: the loss belongs to another task, or a parameter is unknown.

    Example:
        >>> build_loss("cross_entropy", [3, 1], task="classification", parameters={"label_smoothing": 0.1})
        CrossEntropy(label_smoothing=0.1)
    """
    entry = LOSSES.entry(name)
    given = dict(parameters or {})
    problems = []
    if entry.facts["task"] != task:
        fitting = ", ".join(other.name for other in LOSSES if other.facts["task"] == task)
        problems.append(
            f"loss.name: '{name}' is a loss for {entry.facts['task']}, and the task is {task}: choose one of {fitting}"
        )
    known = LOSSES.parameters(name)
    problems += [
        f"loss.{key}: '{name}' has no such parameter; {did_you_mean(key, known)}" for key in given if key not in known
    ]
    if problems:
        raise ConfigError(problems, source="the loss")
    return entry.load()(class_counts, **given)
