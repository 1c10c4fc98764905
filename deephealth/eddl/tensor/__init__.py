"""EDDL's Tensor over a torch tensor, its modes and its descriptors."""

from deephealth.eddl.tensor.descriptors import (
    ExpandDescriptor,
    GatherDescriptor,
    ReduceDescriptor2,
    SelDescriptor,
    TensorDescriptor,
)
from deephealth.eddl.tensor.modes import TransformationMode, WrappingMode
from deephealth.eddl.tensor.tensor import DEV_CPU, DEV_FPGA, DEV_GPU, Tensor

__all__ = [
    "DEV_CPU",
    "DEV_FPGA",
    "DEV_GPU",
    "ExpandDescriptor",
    "GatherDescriptor",
    "ReduceDescriptor2",
    "SelDescriptor",
    "Tensor",
    "TensorDescriptor",
    "TransformationMode",
    "WrappingMode",
]
