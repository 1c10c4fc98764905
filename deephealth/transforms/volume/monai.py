"""Transforms of MONAI as steps of a chain: drawn from the sample's own numbers, with the right affine, and undone."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import AFFINE, Batch, Draws, Params, VolumeTransform

__all__ = ["MonaiTransform", "is_monai"]


def is_monai(transform: object) -> bool:
    """Return whether this is a transform of MONAI or of a class derived from one; MONAI is not imported for it.

    Example:
        >>> is_monai(print)
        False
    """
    return any(
        f"{kind.__module__}.{kind.__name__}" == "monai.transforms.transform.Transform" for kind in _kinds(transform)
    )


class MonaiTransform(VolumeTransform):
    """A transform of MONAI, applied to one sample after another.

    A volume C×D×H×W is given to MONAI as C×W×H×D, a ``MetaTensor`` with the sample's affine: MONAI's axes 0, 1, 2 are
    i, j, k of the file, as they are after MONAI's own readers. What is random in it is seeded from the
    sample's numbers.

    Args:
        transform: a dictionary transform, which picks its keys itself, or an array transform, which acts on the image
            keys, and, with the same draw and the nearest value, on the label keys if it moves voxels. Compositions
            are dictionary transforms if their first transform is one.
        image_keys: entries with intensities.
        label_keys: entries of whole numbers; they keep their dtype.

    Raises:
        ConfigError: the transform is lazy and stands alone.

    Example:
        >>> from monai.transforms import RandFlipd
        >>> flip = MonaiTransform(RandFlipd(["image"], prob=1.0, spatial_axis=0))
        >>> batch = {"image": torch.arange(3.0).view(1, 1, 1, 1, 3)}
        >>> flip.apply(batch, [flip.draw(Draws(0, "0"), batch)])["image"].flatten()
        tensor([2., 1., 0.])
    """

    looks_at_values = False  # draw() takes a seed alone

    def __init__(
        self, transform: Any, *, image_keys: Sequence[str] = ("image",), label_keys: Sequence[str] = ("label",)
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=label_keys)
        if getattr(transform, "lazy", False) and not hasattr(transform, "transforms"):
            raise ConfigError(
                [f"{type(transform).__name__} is lazy: the chain needs its result; lazy=False, or inside a Compose"],
                source="the chain",
            )
        self.transform = transform

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Draw the seed of MONAI's generator; what it did is added under ``"applied"`` when it is known."""
        return {"seed": draws.integer(0, 2**32)}

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with the transform applied to each sample; see :meth:`VolumeTransform.apply`.

        Raises:
            DataError: the transform makes several samples of one, or samples of different sizes.
        """
        results = []
        for at, one in enumerate(params):
            data = _sample(batch, at)
            if one is not None:
                data = self._forward(data, one["seed"])
                one["applied"] = {key: _applied(value) for key, value in data.items()}
            results.append(data)
        return self._collected(batch, results)

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with MONAI's own inverse applied, where the transform has one."""
        from monai.transforms.inverse import InvertibleTransform

        if not isinstance(self.transform, InvertibleTransform):
            return batch
        results = []
        for at, one in enumerate(params):
            data = _sample(batch, at)
            results.append(data if one is None else self._backward(data, one["applied"]))
        return self._collected(batch, results)

    def _forward(self, data: dict[str, Any], seed: int) -> dict[str, Any]:
        if self._by_key():
            found = self._seeded(seed)(data)
            if not isinstance(found, Mapping):
                raise DataError(
                    f"{type(self.transform).__name__} made {len(found)} samples of one",
                    allowed="one sample",
                    hint="num_samples=1 in a composition with a step that takes the first, or crop before the chain",
                )
            return dict(found)
        for key in self.image_keys:
            if key in data:
                data[key] = self._seeded(seed)(data[key])
        for key in self.label_keys:
            if key in data and self._moves():
                nearest = {"mode": "nearest"} if "mode" in inspect.signature(self.transform.__call__).parameters else {}
                data[key] = self._seeded(seed)(data[key], **nearest)
        return data

    def _backward(self, data: dict[str, Any], applied: Mapping[str, list[Any]]) -> dict[str, Any]:
        known = {key: value for key, value in data.items() if key in applied}
        for key, value in known.items():
            value.applied_operations = copy.deepcopy(applied[key])
        if self._by_key():
            with self._missing_allowed():
                return {**data, **self.transform.inverse(known)}
        return {
            **data,
            **{key: self.transform.inverse(value) if applied[key] else value for key, value in known.items()},
        }

    def _missing_allowed(self) -> AbstractContextManager[Any]:
        from monai.transforms import Compose, MapTransform
        from monai.transforms.utils import allow_missing_keys_mode

        if isinstance(self.transform, (Compose, MapTransform)):
            return allow_missing_keys_mode(self.transform)  # type: ignore[no-any-return]
        return nullcontext()

    def _seeded(self, seed: int) -> Any:
        """Return a copy with its own generator: the transform itself may be in use by another thread."""
        from monai.transforms import Randomizable

        if not isinstance(self.transform, Randomizable):
            return self.transform
        return copy.deepcopy(self.transform).set_random_state(seed=seed)

    def _by_key(self) -> bool:
        from monai.transforms import Compose, MapTransform

        first = self.transform
        while isinstance(first, Compose) and first.transforms:
            first = first.transforms[0]
        return isinstance(first, MapTransform) or "data" in inspect.signature(first.__call__).parameters

    def _moves(self) -> bool:
        from monai.transforms import InvertibleTransform
        from monai.transforms.traits import LazyTrait

        return isinstance(self.transform, (InvertibleTransform, LazyTrait))

    def _collected(self, batch: Batch, results: Sequence[dict[str, Any]]) -> Batch:
        """Return the samples as one batch, in our order of axes, with their affines."""
        found = {key: value for key, value in batch.items() if not _is_volume(value)}
        if not results:
            return batch
        for key, before in batch.items():
            if _is_volume(before) and key in results[0]:
                kind = before.dtype if key in self.label_keys else None
                found[key] = _stacked(key, [_ours(one[key], kind) for one in results])
        if AFFINE in batch:
            found[AFFINE] = torch.stack(
                [_affine_of(one, self.image_keys, batch[AFFINE][at]) for at, one in enumerate(results)]
            )
        return found


def _kinds(transform: object) -> tuple[type, ...]:
    return type(transform).__mro__


def _is_volume(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim == 5


def _sample(batch: Batch, at: int) -> dict[str, Any]:
    """Return one sample as MONAI wants it; the batch's own memory is not written to."""
    from monai.data import MetaTensor

    affine = batch[AFFINE][at].double().cpu() if AFFINE in batch else torch.eye(4, dtype=torch.float64)
    return {
        key: MetaTensor(
            value[at].permute(0, 3, 2, 1).clone(memory_format=torch.contiguous_format), affine=affine.clone()
        )
        for key, value in batch.items()
        if _is_volume(value)
    }


def _ours(value: Any, kind: torch.dtype | None) -> torch.Tensor:
    plain = value.as_tensor() if hasattr(value, "as_tensor") else torch.as_tensor(value)
    plain = plain.permute(0, 3, 2, 1)
    return plain if kind is None else plain.to(kind)


def _stacked(key: str, samples: Sequence[torch.Tensor]) -> torch.Tensor:
    shapes = {tuple(one.shape) for one in samples}
    if len(shapes) > 1:
        raise DataError(
            f"'{key}' has samples of different sizes: {sorted(shapes)}",
            allowed="one size",
            hint="batches of one sample, or a crop or padding to one size inside the transform",
        )
    return torch.stack([one.contiguous() for one in samples])


def _affine_of(data: Mapping[str, Any], keys: Sequence[str], before: torch.Tensor) -> torch.Tensor:
    """Return the affine of the first image, or of any volume."""
    for key in (*keys, *data):
        if hasattr(data.get(key), "affine"):
            return torch.as_tensor(data[key].affine).to(before)
    return before


def _applied(value: Any) -> list[Any]:
    """Return what MONAI noted on a volume, free of the identity of the object that did it."""
    return [_anonymous(copy.deepcopy(one)) for one in getattr(value, "applied_operations", [])]


def _anonymous(note: Any) -> Any:
    """Return a note whose object is not checked: the transform that undoes it may be a copy in another process."""
    from monai.utils import TraceKeys

    if isinstance(note, dict):
        return {key: TraceKeys.NONE if key == TraceKeys.ID else _anonymous(value) for key, value in note.items()}
    if isinstance(note, (list, tuple)):
        return type(note)(_anonymous(one) for one in note)
    return note
