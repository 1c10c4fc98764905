"""Which samples a task can use: those with a label to classify, those with a mask to segment."""

from __future__ import annotations

from dataclasses import replace

from deephealth.core.errors import DataError, UnknownNameError
from deephealth.data.sample import DataIndex, Problem, Sample

__all__ = ["TASKS", "select_for_task"]

TASKS = {"classification": "label", "segmentation": "mask"}


def select_for_task(index: DataIndex, task: str) -> DataIndex:
    """Return the index with only the samples that have what the task learns from.

    The ones left out are counted in one warning per data set, so that nothing vanishes silently.

    Args:
        index: what an adapter found.
        task: ``classification`` or ``segmentation``.

    Raises:
        UnknownNameError: no such task.
        DataError: no sample is left.
    """
    if task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    target = TASKS[task]
    kept = tuple(sample for sample in index.samples if _has(sample, target))
    if not kept:
        raise DataError(
            f"none of the {len(index.samples)} samples in {index.root} has a {target}",
            allowed=f"samples with a {target} for task={task}",
            hint="set task to what the data set has",
        )
    left_out = [sample.id for sample in index.samples if not _has(sample, target)]
    if not left_out:
        return index
    named = ", ".join(left_out[:3]) + (", ..." if len(left_out) > 3 else "")
    problem = Problem(
        "warning", f"no-{target}", str(index.root), f"{len(left_out)} samples without a {target} are not used: {named}"
    )
    return replace(index, samples=kept, problems=(*index.problems, problem))


def _has(sample: Sample, target: str) -> bool:
    return getattr(sample, target) is not None
