"""Building, loading and listing models."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from deephealth.core.errors import ModelError, UnknownNameError
from deephealth.models.catalogue import NETWORKS, WEIGHTS
from deephealth.models.create import create_network
from deephealth.models.model import Model, check_labels, copy_body
from deephealth.models.spec import ModelSpec
from deephealth.models.weights import Create, WeightFacts

__all__ = ["build_model", "list_models", "load_model"]


def build_model(
    name: str,
    *,
    task: str,
    labels: Sequence[str],
    image_size: tuple[int, int],
    pretrained: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    usecase: str = "",
) -> Model:
    """Build a model with a new head.

    Args:
        name: registered network, or ``timm/NAME``.
        task: classification or segmentation.
        labels: class names in the order of the logits.
        image_size: height and width of the network's input, pixels.
        pretrained: none for random weights; registered weights such as ``imagenet-lite0`` or ``hub``; or the folder of
            a saved model of the same network, whose head is kept only if the labels are the same.
        parameters: the network's own.
        usecase: name of the use case, for the card.

    Raises:
        UnknownNameError: no such network or weights.
        ConfigError: a wrong parameter.
        ModelError: network and task, or network and weights, don't go together.
        CheckpointError: the folder is damaged.

    Example:
        >>> model = build_model("resnet18", task="classification", labels=("no", "yes"), image_size=(32, 32))
        >>> model.task, model.labels
        ('classification', ('no', 'yes'))
    """
    labels = check_labels(labels)
    image_size = (int(image_size[0]), int(image_size[1]))
    plain: dict[str, Any] = json.loads(
        json.dumps(dict(parameters or {}))
    )  # what a saved model will say: lists, not tuples
    create = partial(create_network, name, task=task, num_outputs=len(labels), image_size=image_size, parameters=plain)
    network, facts = _with_weights(create, pretrained, labels)
    licences = [str(NETWORKS.entry(name).facts["licence"]) if name in NETWORKS else "Apache-2.0 (code, timm)"]
    described: dict[str, Any] = {}
    if facts is not None:
        licences.append(f"{facts.name}: {facts.licence}")
        described = {"mean": tuple(facts.mean), "std": tuple(facts.std), "weights": facts.as_dict()}
    spec = ModelSpec(name, task, labels, image_size, usecase, plain, licences=tuple(licences), **described)
    return Model(network, spec)


def load_model(folder: Path | str, *, labels: Sequence[str] | None = None) -> Model:
    """Load a saved model; see :meth:`deephealth.models.model.Model.from_folder`."""
    return Model.from_folder(folder, labels=labels)


def list_models(pattern: str = "*", *, task: str | None = None) -> list[str]:
    """Return the registered networks that match a shell pattern; a pattern that begins with ``timm/`` asks timm.

    Args:
        pattern: such as ``*unet*`` or ``timm/*efficientnet*``.
        task: only networks of this task.

    Example:
        >>> list_models("*unet", task="segmentation")
        ['attention_unet', 'basic_unet', 'residual_unet', 'unet']
    """
    if pattern.startswith("timm/"):
        from deephealth.core.optional import require

        timm = require("timm", purpose="listing the networks of timm")
        names = [] if task == "segmentation" else fnmatch.filter(timm.list_models(), pattern.removeprefix("timm/"))
        return [f"timm/{name}" for name in names]
    return [name for name in NETWORKS.names(pattern) if task in (None, NETWORKS.entry(name).facts["task"])]


def _with_weights(
    create: Create, pretrained: str | Path | None, labels: tuple[str, ...]
) -> tuple[nn.Module, WeightFacts | None]:
    if pretrained is None:
        return create(), None
    if str(pretrained) in WEIGHTS:
        return WEIGHTS.get(str(pretrained))(create)
    folder = Path(pretrained)
    if not folder.is_dir():
        if len(folder.parts) > 1:
            raise ModelError(
                f"there is no saved model at {folder}", hint="give the folder of a run's model, such as RUN/model"
            )
        raise UnknownNameError("weights", str(pretrained), WEIGHTS.names())
    return _from_saved(create, folder, labels)


def _from_saved(create: Create, folder: Path, labels: tuple[str, ...]) -> tuple[nn.Module, WeightFacts]:
    source = Model.from_folder(folder)
    network = create()
    copy_body(source, network, labels)
    trained_on = str(source.spec.card.get("training_data", "")) or source.spec.usecase
    facts = WeightFacts(
        name=folder.resolve().name,
        source=f"a saved model: {source.spec.network} for {', '.join(source.labels)}",
        licence="; ".join(source.spec.licences) or "not stated",
        data=trained_on,
        input_size=source.image_size,
        mean=source.spec.mean,
        std=source.spec.std,
    )
    return network, facts
