"""Classification networks: timm's, under short names of our own or as ``timm/NAME``."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

from torch import nn

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError
from deephealth.core.optional import require
from deephealth.models.stages import freeze_stages

__all__ = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_lite0",
    "mobilenetv3_large",
    "resnet18",
    "resnet50",
    "timm_classifier",
    "timm_library",
    "vit_tiny",
]


def timm_classifier(
    timm_name: str,
    num_outputs: int,
    image_size: tuple[int, int],
    hub: bool,
    *,
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
    frozen_stages: int = 0,
) -> nn.Module:
    """Return a network of timm with a new head.

    Args:
        timm_name: name in ``timm.list_models()``.
        num_outputs: classes.
        image_size: height and width, pixels; only networks with a fixed input (transformers) use it.
        hub: download timm's default weights.
        drop_rate: dropout before the head.
        drop_path_rate: stochastic depth.
        frozen_stages: the stem and so many stages are not trained; 0 trains everything.

    Raises:
        UnknownNameError: timm has no such network.
        ConfigError: the network doesn't take one of the parameters.
        ModelError: the network can't work at that image size.
    """
    timm = timm_library(timm_name)
    arguments: dict[str, Any] = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
    arguments = {key: value for key, value in arguments.items() if value}
    config = timm.get_pretrained_cfg(timm_name)
    if config is not None and config.fixed_input_size:
        arguments["img_size"] = image_size
    try:
        network = timm.create_model(timm_name, pretrained=hub, num_classes=num_outputs, **arguments)
    except TypeError as error:
        raise ConfigError([f"model.parameters: {error}"], source=f"the network '{timm_name}'") from error
    _check_patches(timm_name, network, image_size)
    freeze_stages(network, frozen_stages)
    return network


def timm_library(name: str) -> ModuleType:
    """Return timm, having made sure that it knows the network ``name``.

    Raises:
        OptionalDependencyError: timm isn't installed.
        UnknownNameError: timm has no such network.
    """
    timm = require("timm", purpose=f"the network '{name}'")
    if not timm.is_model(name):
        raise UnknownNameError("timm network", name, timm.list_models())
    return timm


efficientnet_lite0 = partial(timm_classifier, "tf_efficientnet_lite0")
efficientnet_b0 = partial(timm_classifier, "efficientnet_b0")
mobilenetv3_large = partial(timm_classifier, "mobilenetv3_large_100")
resnet18 = partial(timm_classifier, "resnet18")
resnet50 = partial(timm_classifier, "resnet50")
densenet121 = partial(timm_classifier, "densenet121")
convnext_tiny = partial(timm_classifier, "convnext_tiny")
vit_tiny = partial(timm_classifier, "vit_tiny_patch16_224")


def _check_patches(name: str, network: nn.Module, image_size: tuple[int, int]) -> None:
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    if patch and any(side % step for side, step in zip(image_size, patch, strict=True)):
        raise ModelError(
            f"'{name}' can't take images of {image_size[0]}×{image_size[1]} pixels",
            allowed=f"multiples of {patch[0]}×{patch[1]} pixels",
            hint="change data.image_size",
        )
