"""A chain of transforms of volumes: drawn per sample, run on the batch, undone in reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.intensity import intensity_chain
from deephealth.kernels.intensity_steps import Step
from deephealth.transforms.volume.base import AFFINE, TRACE, Batch, Draws, Params, VolumeTransform
from deephealth.transforms.volume.intensity import Pointwise, programs
from deephealth.transforms.volume.monai import MonaiTransform, is_monai

__all__ = ["Chain"]


class Chain:
    """Transforms one after another; the same on processor and accelerator, for any batch and any number of workers.

    What happens to a sample depends on its seed, on the place of each transform in the chain, and on nothing else:
    neither on the other samples of the batch nor on the process. Changes of intensity are collected and done in one
    pass over the data, when a transform needs the values or at the end.

    Args:
        transforms: :class:`VolumeTransform` s and MONAI transforms (dictionary or array ones), in any order.
        image_keys: the entries that MONAI's array transforms act on; the axes of MONAI's are (W, H, D), see
            :class:`MonaiTransform`.
        label_keys: the entries that take the nearest value in MONAI's spatial array transforms.

    Raises:
        ConfigError: something in the list is neither.

    Example:
        >>> from deephealth.core.seeds import counter_seed
        >>> from deephealth.transforms.volume.intensity import Contrast, GaussianNoise
        >>> chain = Chain([GaussianNoise(), Contrast(probability=0.5)])
        >>> batch = {"image": torch.rand(2, 1, 8, 8, 8)}
        >>> seeds = [counter_seed(0, 3, name) for name in ("case-1", "case-2")]
        >>> both = chain(batch, seeds)
        >>> alone = chain({"image": batch["image"][1:]}, seeds[1:])
        >>> bool((both["image"][1] == alone["image"][0]).all())
        True
    """

    def __init__(
        self,
        transforms: Iterable[Any],
        *,
        image_keys: Sequence[str] = ("image",),
        label_keys: Sequence[str] = ("label",),
    ) -> None:
        self.transforms: list[VolumeTransform] = []
        problems = []
        for place, one in enumerate(transforms):
            if isinstance(one, VolumeTransform):
                self.transforms.append(one)
            elif is_monai(one):
                self.transforms.append(MonaiTransform(one, image_keys=image_keys, label_keys=label_keys))
            else:
                problems.append(f"{place}: {one!r} is neither a VolumeTransform nor a transform of MONAI")
        if problems:
            raise ConfigError(problems, source="the chain")

    def __call__(self, batch: Mapping[str, Any], seeds: Sequence[int]) -> Batch:
        """Return the batch transformed, with what was done under ``TRACE``: for each sample, (place, parameters).

        Args:
            batch: images and labels B×C×D×H×W, and ``"affine"`` B×4×4 where the place in the patient is known. It is
                left as it is.
            seeds: one per sample, ``counter_seed(seed, epoch, sample id)``.

        Raises:
            DataError: there are not as many seeds as samples, the tensors differ in their number of samples or are not
                of five axes, or the batch has been through a chain.
        """
        samples = _checked(batch, seeds)
        work = _Work(batch)
        trace: list[list[tuple[str, Params | None]]] = [[] for _ in range(samples)]
        for place, transform in enumerate(self.transforms):
            if getattr(transform, "looks_at_values", True):
                work.catch_up(range(samples))
            name = self._name(place)
            # NumPy's and torch's whole numbers give the draws of Python's
            params = [transform.draw(Draws(int(seed), name), work.sample(at)) for at, seed in enumerate(seeds)]
            for entries, one in zip(trace, params, strict=True):
                entries.append((name, one))
            work.do(transform, params)
        work.catch_up(range(samples))
        return {**work.batch, TRACE: trace}

    def invert(self, batch: Mapping[str, Any]) -> Batch:
        """Return the batch with the geometry of all transforms undone, last first; intensities stay as they are.

        Args:
            batch: what the chain returned, or predictions in its place: entries B×C×D×H×W under the keys of the chain,
                with its ``TRACE``, and its ``"affine"`` if it had one.

        Raises:
            DataError: there is no trace, or it is that of another chain.
        """
        if TRACE not in batch:
            raise DataError("the batch has no trace", hint=f"keep what the chain left under '{TRACE}'")
        trace = batch[TRACE]
        expected = [self._name(place) for place in range(len(self.transforms))]
        for entries in trace:
            if [name for name, _ in entries] != expected:
                raise DataError(
                    f"the trace is of another chain: {', '.join(name for name, _ in entries)}",
                    allowed=", ".join(expected),
                )
        found = {key: value for key, value in batch.items() if key != TRACE}
        for place in reversed(range(len(self.transforms))):
            params = [entries[place][1] for entries in trace]
            if any(one is not None for one in params):
                found = self.transforms[place].invert(found, params)
        return found

    def _name(self, place: int) -> str:
        transform = self.transforms[place]
        inner = transform.transform if isinstance(transform, MonaiTransform) else transform
        return f"{place}/{type(inner).__name__}"


class _Work:
    """The batch on its way, and the changes of intensity that are not done yet: ``waiting[key][sample][channel]``."""

    def __init__(self, batch: Mapping[str, Any]) -> None:
        self.batch = dict(batch)
        self.waiting: dict[str, list[list[list[Step]]]] = {}
        self._given = {_memory(value) for value in batch.values() if isinstance(value, torch.Tensor)}

    def sample(self, at: int) -> dict[str, torch.Tensor]:
        """Return the tensors of one sample, to look at."""
        return {key: value[at] for key, value in self.batch.items() if isinstance(value, torch.Tensor)}

    def do(self, transform: VolumeTransform, params: Sequence[Params | None]) -> None:
        """Do a step, or note it where it can wait."""
        touched = [at for at, one in enumerate(params) if one is not None]
        if not touched:
            return
        if type(transform).apply is Pointwise.apply:
            for key in transform.image_keys:
                if key in self.batch:
                    self._note(key, programs(params, key, self.batch[key].shape[1]))
        else:
            self.catch_up(touched)
            self.batch = transform.apply(self.batch, params)

    def _note(self, key: str, steps: Sequence[Sequence[Sequence[Step]]]) -> None:
        nothing: list[list[list[Step]]] = [[[] for _ in sample] for sample in steps]
        for sample, more in zip(self.waiting.setdefault(key, nothing), steps, strict=True):
            for channel, its in zip(sample, more, strict=True):
                channel.extend(its)

    def catch_up(self, samples: Iterable[int]) -> None:
        """Do what waits for these samples."""
        chosen = set(samples)
        for key, waiting in self.waiting.items():
            now: list[list[list[Step]]] = [its if at in chosen else [[] for _ in its] for at, its in enumerate(waiting)]
            if any(channel for its in now for channel in its):
                image = self.batch[key]
                ours = _memory(image) not in self._given and image.is_contiguous()
                self.batch[key] = intensity_chain(image, now, out=image if ours else None)
                self.waiting[key] = [[[] for _ in its] if at in chosen else its for at, its in enumerate(waiting)]


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _checked(batch: Mapping[str, Any], seeds: Sequence[int]) -> int:
    """Return the number of samples."""
    if TRACE in batch:
        raise DataError("the batch has been through a chain", hint="put all transforms into one chain")
    shapes = {key: tuple(value.shape) for key, value in batch.items() if isinstance(value, torch.Tensor)}
    wrong = [f"{key} {shape}" for key, shape in shapes.items() if shape[:1] != (len(seeds),)]
    if wrong:
        raise DataError(f"{len(seeds)} seeds for {', '.join(wrong)}", allowed="one seed per sample of every tensor")
    flat = [f"{key} {shape}" for key, shape in shapes.items() if len(shape) != (3 if key == AFFINE else 5)]
    if flat:
        raise DataError(f"the batch holds {', '.join(flat)}", allowed=f"B×C×D×H×W; '{AFFINE}': B×4×4")
    return len(seeds)
