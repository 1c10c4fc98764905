"""Every ONNX operator as a function on torch tensors; importing the package fills :data:`KERNELS`."""

from deephealth.eddl.onnx.kernels import (
    elementwise,
    indexing,
    linear,
    normalizing,
    pooling,
    recurrent,
    reducing,
    resizing,
    shaping,
)
from deephealth.eddl.onnx.kernels.registry import KERNELS, Kernel

__all__ = [
    "KERNELS",
    "Kernel",
    "elementwise",
    "indexing",
    "linear",
    "normalizing",
    "pooling",
    "recurrent",
    "reducing",
    "resizing",
    "shaping",
]
