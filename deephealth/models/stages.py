"""Which stage of a network a parameter belongs to: for freezing the first ones, and for learning rates by depth."""

from __future__ import annotations

import re

from torch import nn

from deephealth.core.errors import ConfigError

__all__ = ["freeze_stages", "parameter_stages"]

# EfficientNet, MobileNet, ViT: blocks.N; ResNet: layerN; ConvNeXt: stages.N or stages_N;
# DenseNet: denseblockN, transitionN
_STAGE = re.compile(r"(?:^|\.)(?:blocks|layer|stages|denseblock|transition)[._]?(\d+)(?:[._]|$)")


def parameter_stages(network: nn.Module) -> dict[str, int]:
    """Return the stage of each parameter: 0 the stem, 1 to n the stages, n + 1 what comes after (head, decoder).

    A network in which no stages can be told apart counts as all head: 1.

    Args:
        network: of timm, or a U-Net on an encoder of timm.

    Example:
        >>> net = nn.Sequential()
        >>> net.layer1, net.layer2, net.fc = nn.PReLU(), nn.PReLU(), nn.PReLU()
        >>> parameter_stages(net)
        {'layer1.weight': 1, 'layer2.weight': 2, 'fc.weight': 3}
    """
    names = [name for name, _ in network.named_parameters()]
    has_encoder = any(_in_encoder(name) for name in names)
    body = [name for name in names if _in_encoder(name) or not has_encoder]
    found = {name: int(match[1]) for name in body if (match := _STAGE.search(name))}
    if not found:
        return dict.fromkeys(names, 1)
    first, last = min(found.values()), max(found.values())
    first_position = body.index(next(iter(found)))
    stages = {}
    for name in names:
        is_stem = name in body and body.index(name) < first_position
        stages[name] = found[name] - first + 1 if name in found else 0 if is_stem else last - first + 2
    return stages


def freeze_stages(network: nn.Module, count: int) -> None:
    """Stop training the stem and the first ``count`` stages; 0 does nothing.

    :meth:`deephealth.models.model.Model.train` keeps what isn't trained in evaluation mode, so that the statistics of
    its normalisation stay as they were.

    Raises:
        ConfigError: the network has fewer stages, or none can be told apart.
    """
    if count == 0:
        return
    stages = parameter_stages(network)
    available = max(stages.values()) - 1
    if not 0 < count <= available:
        raise ConfigError(
            [f"model.parameters.frozen_stages: {count}, and the network has {available} stages that can be frozen"],
            source="the network",
        )
    for name, parameter in network.named_parameters():
        if stages[name] <= count:
            parameter.requires_grad_(False)


def _in_encoder(name: str) -> bool:
    return name.startswith(("encoder.", "network.encoder."))
