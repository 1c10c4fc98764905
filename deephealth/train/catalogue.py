"""The tables of what a configuration may name under ``optimizer``, ``schedule``, ``trainer.mix`` and ``task``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deephealth.core.registry import Registry

__all__ = ["MIXES", "OPTIMIZERS", "SCHEDULES", "TASKS"]

OPTIMIZERS: Registry[Callable[..., Any]] = Registry("optimizer")
OPTIMIZERS.add("adamw", "deephealth.train.optimizers:adamw", summary="Adam with decoupled weight decay")
OPTIMIZERS.add("adam", "deephealth.train.optimizers:adam", summary="Adam with L2 regularisation")
OPTIMIZERS.add("sgd", "deephealth.train.optimizers:sgd", summary="stochastic gradient descent with momentum")

SCHEDULES: Registry[Callable[..., Any]] = Registry("schedule")
SCHEDULES.add("constant", "deephealth.train.schedules:constant", summary="the same rate throughout, after a warm-up")
SCHEDULES.add("cosine", "deephealth.train.schedules:cosine", summary="warm-up, then half a cosine down to the floor")
SCHEDULES.add("one_cycle", "deephealth.train.schedules:one_cycle", summary="up by half a cosine, then down by another")
SCHEDULES.add("step", "deephealth.train.schedules:step", summary="times gamma at each milestone")

MIXES: Registry[Callable[..., Any]] = Registry("mix")
MIXES.add("none", "deephealth.train.mixing:NoMix", summary="every image stays whole")
MIXES.add("mixup", "deephealth.train.mixing:Mixup", summary="convex mixtures of two images and of their losses")
MIXES.add("cutmix", "deephealth.train.mixing:CutMix", summary="a rectangle of another image is pasted in")

TASKS: Registry[Callable[..., Any]] = Registry("task")
TASKS.add(
    "classification",
    "deephealth.train.classification:ClassificationTask",
    summary="one class per image",
    monitor="val_balanced_accuracy",
)
TASKS.add(
    "segmentation",
    "deephealth.train.segmentation:SegmentationTask",
    summary="foreground or background for each pixel",
    monitor="val_jaccard",
)
