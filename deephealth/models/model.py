"""A model: a network with its own pre- and post-processing, its labels, its card and its licence notices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from torch import nn

from deephealth.core.errors import CheckpointError, ModelError
from deephealth.models.card import write_card
from deephealth.models.create import create_network, head_tensors
from deephealth.models.folder import read_folder, write_folder
from deephealth.models.preprocess import Preprocess
from deephealth.models.spec import ModelSpec
from deephealth.transforms.resize import resize_float

if TYPE_CHECKING:
    from typing import Self

    from deephealth.core.types import TensorBCHW

__all__ = ["Model"]

_WEIGHTS, _SPEC, _CARD = "model.safetensors", "model.json", "card.md"


class Model(nn.Module):
    """What is trained, saved, loaded, exported and used.

    Args:
        network: normalised B×3×H×W to logits: B×K, or B×K×H×W for segmentation.
        spec: the facts; see :class:`~deephealth.models.spec.ModelSpec`.
    """

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        super().__init__()
        self.network = network
        self.preprocess = Preprocess(spec.image_size, spec.mean, spec.std)
        self.spec = spec

    def forward(self, normalised_bchw: TensorBCHW) -> torch.Tensor:
        """Return logits of images that went through :attr:`preprocess`."""
        return self.network(normalised_bchw)

    def probabilities(self, logits: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Turn logits into what the predictor and the exported ONNX give out.

        Args:
            logits: of :meth:`forward`.
            size: segmentation only: height and width of the source image, pixels.

        Returns:
            Softmax over the classes, B×K; or one sigmoid per mask, B×K×H×W, resized to ``size``.
        """
        scaled = logits / self.spec.temperature
        if self.task == "classification":
            return scaled.softmax(1)
        masks = scaled.sigmoid()
        return masks if size is None else resize_float(masks, size)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; what has no trainable parameter left stays in evaluation mode, with its statistics."""
        super().train(mode)
        if mode:
            for module in self.network.modules():
                parameters = list(module.parameters())
                if parameters and not any(parameter.requires_grad for parameter in parameters):
                    module.eval()
        return self

    @property
    def task(self) -> str:
        """Classification or segmentation."""
        return self.spec.task

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.spec.labels

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the network's input, pixels."""
        return self.spec.image_size

    def describe(self, **facts: Any) -> None:
        """Change facts of the spec that don't change the network: threshold, tta, temperature, licences, usecase, card.

        ``card=`` is merged into what the card says already.

        Raises:
            ModelError: another fact.
        """
        free = {"threshold", "tta", "temperature", "licences", "usecase", "card"}
        if wrong := sorted(set(facts) - free):
            raise ModelError(f"{', '.join(wrong)} can't be changed after building", allowed=", ".join(sorted(free)))
        if "card" in facts:
            facts["card"] = {**self.spec.card, **facts["card"]}
        self.spec = dataclasses.replace(self.spec, **facts)

    def head(self) -> frozenset[str]:
        """Return the names of the network's tensors that belong to the labels."""
        return head_tensors(
            self.spec.network, task=self.task, image_size=self.image_size, parameters=self.spec.parameters
        )

    def reset_head(self, labels: Sequence[str]) -> None:
        """Give the model other labels: a new random head, everything else as it was. The same labels change nothing.

        Raises:
            ModelError: no labels, or one twice.
        """
        labels = check_labels(labels)
        if labels == self.labels:
            return
        fresh = _network(self.spec, len(labels))
        _copy(self.network.state_dict(), fresh, skip=self.head())
        device = next(self.network.parameters()).device
        self.network = fresh.to(device).train(self.training)
        self.spec = dataclasses.replace(self.spec, labels=labels)
        self.train(self.training)

    def save(self, folder: Path | str) -> Path:
        """Write the folder ``model.safetensors``, ``model.json``, ``card.md``, ``manifest.json``: whole, or not at all.

        Raises:
            StorageError: the disk is full or can't be written.
        """
        state = {key: value.detach().cpu().contiguous() for key, value in self.network.state_dict().items()}
        files = {
            _WEIGHTS: safetensors.torch.save(state, {"format": "pt"}),
            _SPEC: self.spec.to_json().encode(),
            _CARD: write_card(self.spec).encode(),
        }
        return write_folder(folder, files)

    @classmethod
    def from_folder(cls, folder: Path | str, *, labels: Sequence[str] | None = None) -> Self:
        """Load what :meth:`save` wrote; every file is verified before it is parsed.

        Args:
            folder: of a saved model.
            labels: other class names: the head is replaced by a new random one.

        Raises:
            CheckpointError: a file is missing or damaged, or isn't of this format.
        """
        files = read_folder(folder, required=(_WEIGHTS, _SPEC))
        spec = ModelSpec.from_json(files[_SPEC].decode(), source=str(Path(folder) / _SPEC))
        network = _network(spec, len(spec.labels))
        try:
            network.load_state_dict(safetensors.torch.load(files[_WEIGHTS]))
        except RuntimeError as error:
            raise CheckpointError(
                f"{Path(folder) / _WEIGHTS} doesn't fit the network '{spec.network}': {error}"
            ) from error
        model = cls(network, spec).eval()
        if labels is not None:
            model.reset_head(labels)
        return model


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels as a tuple.

    Raises:
        ModelError: none, or one twice.
    """
    repeated = sorted({label for label in labels if list(labels).count(label) > 1})
    if not labels or repeated:
        raise ModelError(f"labels {list(labels)}: {'repeated ' + ', '.join(repeated) if repeated else 'none'}")
    return tuple(labels)


def copy_body(source: Model, target: nn.Module, labels: Sequence[str]) -> None:
    """Copy a model's weights into a network of the same kind; the head only where the labels are the same.

    Raises:
        ModelError: the networks differ.
    """
    _copy(source.network.state_dict(), target, skip=frozenset() if tuple(labels) == source.labels else source.head())


def _network(spec: ModelSpec, num_outputs: int) -> nn.Module:
    return create_network(
        spec.network, task=spec.task, num_outputs=num_outputs, image_size=spec.image_size, parameters=spec.parameters
    )


def _copy(state: Mapping[str, torch.Tensor], target: nn.Module, *, skip: frozenset[str]) -> None:
    own = target.state_dict()
    kept = {key: value for key, value in state.items() if key not in skip}
    wrong = [key for key in own if key not in skip and (key not in kept or kept[key].shape != own[key].shape)]
    if wrong:
        raise ModelError(
            f"the saved weights don't fit the network: {len(wrong)} of {len(own)} tensors differ, such as {wrong[0]}",
            hint="build the same network with the same parameters and image size",
        )
    target.load_state_dict({**own, **{key: kept[key] for key in own if key in kept}})
