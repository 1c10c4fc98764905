"""What programs find in ``pyeddl._core``: the classes behind the functions, under the names of the compiled module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer
    from deephealth.eddl.initial import Initializer, Regularizer
    from deephealth.eddl.net.net import Net
    from deephealth.eddl.net.netloss import NetLoss
    from deephealth.eddl.net.services import CompServ
    from deephealth.eddl.objective.loss import Loss
    from deephealth.eddl.objective.metric import Metric
    from deephealth.eddl.optim import (
        SGD,
        AdaDelta,
        Adagrad,
        Adam,
        Adamax,
        Nadam,
        Optimizer,
        RMSProp,
    )
    from deephealth.eddl.tensor import Tensor, TransformationMode, WrappingMode
    from deephealth.eddl.tensor.descriptors import (
        ExpandDescriptor,
        GatherDescriptor,
        ReduceDescriptor2,
        SelDescriptor,
        TensorDescriptor,
    )

__all__ = [
    "SGD",
    "AdaDelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "CompServ",
    "ExpandDescriptor",
    "GatherDescriptor",
    "Initializer",
    "Layer",
    "Loss",
    "Metric",
    "Nadam",
    "Net",
    "NetLoss",
    "Optimizer",
    "RMSProp",
    "ReduceDescriptor2",
    "Regularizer",
    "SelDescriptor",
    "Tensor",
    "TensorDescriptor",
    "TransformationMode",
    "WrappingMode",
]

_BY_HOME = {
    "graph.layer": "Layer",
    "initial": "Initializer Regularizer",
    "net.net": "Net",
    "net.netloss": "NetLoss",
    "net.services": "CompServ",
    "objective.loss": "Loss",
    "objective.metric": "Metric",
    "optim": "SGD AdaDelta Adagrad Adam Adamax Nadam Optimizer RMSProp",
    "tensor": "Tensor TransformationMode WrappingMode",
    "tensor.descriptors": "ExpandDescriptor GatherDescriptor ReduceDescriptor2 SelDescriptor TensorDescriptor",
}
_HOMES = {name: f"deephealth.eddl.{home}" for home, names in _BY_HOME.items() for name in names.split()}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
