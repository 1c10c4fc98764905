"""The tables of samplers and of layouts that are not tied to one use case."""

from __future__ import annotations

from typing import Any

from deephealth.core.registry import Registry

__all__ = ["LAYOUTS", "SAMPLERS"]

# factory(targets, seed, *, parameters) -> Order
SAMPLERS: Registry[Any] = Registry("sampler")
SAMPLERS.add("shuffle", "deephealth.data.sampler:Shuffle", summary="every sample once per epoch")
SAMPLERS.add("class_balanced", "deephealth.data.sampler:ClassBalanced", summary="every class equally often")
SAMPLERS.add("sqrt_balanced", "deephealth.data.sampler:SqrtBalanced", summary="classes by the root of their count")

LAYOUTS: Registry[Any] = Registry("layout")
LAYOUTS.add(
    "deephealth_yaml", "deephealth.data.deephealth_yaml:DEEPHEALTH_YAML", summary="the DeepHealth toolkit data set YAML"
)
