"""What a model is, beside its weights: everything needed to build it again, and everything its card says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deephealth.core.errors import CheckpointError

__all__ = ["ModelSpec"]

_TASKS = ("classification", "segmentation")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The facts of a model; ``model.json`` in its folder.

    Args:
        network: registered name, or ``timm/NAME``.
        task: classification (one label per image) or segmentation (one mask per label).
        labels: class names in the order of the logits.
        image_size: height and width of the network's input, pixels.
        parameters: the network's own.
        mean: per channel, of images scaled to 0..1.
        std: likewise.
        weights: facts of the pretrained weights, empty when training began at random.
        threshold: probability above which a pixel is foreground.
        tta: registered test-time augmentation that the predictor uses unless told otherwise.
        temperature: logits are divided by it before softmax or sigmoid.
        licences: notices that must travel with the model.
        card: what the card says; see :mod:`deephealth.models.card`.
    """

    network: str
    task: str
    labels: tuple[str, ...]
    image_size: tuple[int, int]
    usecase: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    weights: Mapping[str, Any] = field(default_factory=dict)
    threshold: float = 0.5
    tta: str = "none"
    temperature: float = 1.0
    licences: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = 1

    def to_json(self) -> str:
        """Return the facts as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str = "model.json") -> ModelSpec:
        """Read what :meth:`to_json` wrote.

        Raises:
            CheckpointError: not JSON, a fact is missing or unknown, or a newer deephealth wrote it.

        Example:
            >>> spec = ModelSpec("resnet18", "classification", ("a", "b"), (32, 32))
            >>> ModelSpec.from_json(spec.to_json()) == spec
            True
        """
        try:
            facts = json.loads(text)
            version = facts["format_version"]
            if version != 1:
                raise CheckpointError(
                    f"{source} has format version {version!r}",
                    allowed="1",
                    hint="a newer deephealth wrote it: upgrade yours",
                )
            for key in ("labels", "image_size", "mean", "std", "licences"):
                facts[key] = tuple(facts[key])
            spec = cls(**facts)
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{source} can't be read: {error}", hint="use an intact copy of the folder"
            ) from error
        if spec.task not in _TASKS or not spec.labels or len(spec.image_size) != 2:
            raise CheckpointError(f"{source} describes no model: task '{spec.task}', labels {list(spec.labels)}")
        return spec
