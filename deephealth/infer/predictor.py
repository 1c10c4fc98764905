"""The predictor: a model, and raw image files in any size; answers in the order and the geometry of the files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from deephealth.core.errors import DataError, DeepHealthError, DeviceError, ModelError
from deephealth.infer.files import expand_files
from deephealth.infer.prediction import BACKGROUND, Failure, Prediction, Predictions
from deephealth.io.raster import read_rgb
from deephealth.io.source import Source
from deephealth.transforms.resize import resize_float
from deephealth.transforms.tta import views

if TYPE_CHECKING:
    from deephealth.core.types import ImageHWC, TensorBCHW
    from deephealth.models import Model

__all__ = ["Device", "Predictor", "choose_device"]

Device = Literal["auto", "cpu", "gpu"]
# Decoded images that wait for the network: enough to keep it busy, few enough for images of 100 megapixels.
_READ_AHEAD = 4
_READERS = 2


def choose_device(device: Device) -> torch.device:
    """Return the device to compute on.

    Args:
        device: ``"auto"`` takes a GPU when there is one.

    Raises:
        DeviceError: a GPU was asked for where there is none, or the word is unknown.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if device not in ("auto", "cpu", "gpu"):
        raise DeviceError(f"unknown device '{device}'", allowed="auto, cpu, gpu")
    has_gpu = torch.cuda.is_available()
    if device == "gpu" and not has_gpu:
        raise DeviceError("a GPU was asked for, and torch finds none", hint="use device auto or cpu")
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An image on its way through the network."""

    source: Source
    size: tuple[int, int]
    input_1chw: TensorBCHW


class Predictor:
    """Predict raw image files with the model's own pre- and post-processing.

    Args:
        model: a :class:`deephealth.models.Model`; it is moved to the device and set to evaluation.
        tta: test-time augmentation by name; ``None`` takes the model's own.
        batch_size: images per forward pass; does not change the answers.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
        threshold: probability above which a pixel is foreground; ``None`` takes the model's own.

    Raises:
        DeviceError: a GPU was asked for where there is none.
        ModelError: another task, or more than one mask per image.
        UnknownNameError: no such test-time augmentation.
    """

    def __init__(
        self,
        model: Model,
        *,
        tta: str | None = None,
        batch_size: int = 32,
        device: Device = "auto",
        threshold: float | None = None,
    ) -> None:
        if batch_size < 1:
            raise DataError(f"batch size is {batch_size}", allowed="a whole number above 0")
        if model.task not in ("classification", "segmentation"):
            raise ModelError(f"the predictor got a model for '{model.task}'", allowed="classification, segmentation")
        if model.task == "segmentation" and len(model.labels) != 1:
            raise ModelError(f"the predictor got a model of {len(model.labels)} masks", allowed="one mask per image")
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.batch_size = batch_size
        self.tta = tta or model.spec.tta
        self._views = views(self.tta)
        self.threshold = float(model.spec.threshold if threshold is None else threshold)

    def predict(
        self,
        files: str | Path | Source | Iterable[str | Path | Source],
        *,
        on_error: Literal["raise", "skip"] = "raise",
        progress: Callable[[int, int], object] | None = None,
    ) -> Predictions:
        """Predict files, folders and zip archives.

        Args:
            files: see :func:`deephealth.infer.files.expand_files`.
            on_error: every readable file is predicted first; then files that failed raise one error that names them all
                (``"raise"``), or stand in ``.failures`` of the result (``"skip"``).
            progress: called with (files done, files in all).

        Returns:
            A list in the order of the files.

        Raises:
            DeepHealthError: what was wrong with the files (missing, unreadable, too large).
        """
        done: list[Prediction] = []
        failures: list[Failure] = []
        for outcome in self.stream(files, progress=progress):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                done.append(outcome)
        predictions = Predictions(done, failures)
        if on_error == "raise":
            predictions.raise_failures()
        return predictions

    def stream(
        self,
        files: str | Path | Source | Iterable[str | Path | Source],
        *,
        progress: Callable[[int, int], object] | None = None,
    ) -> Iterator[Prediction | Failure]:
        """Yield predictions and failures in the order of the files, without keeping them: for any number of files."""
        sources = expand_files(files)
        for done, outcome in enumerate(self._outcomes(sources), 1):
            yield outcome
            if progress is not None:
                progress(done, len(sources))

    def _outcomes(self, sources: Sequence[Source]) -> Iterator[Prediction | Failure]:
        outcomes: list[_Waiting | Failure] = []
        waiting = 0
        for source, image in _read_ahead(sources):
            outcomes.append(
                Failure(source, image) if isinstance(image, DeepHealthError) else self._enter(source, image)
            )
            waiting += isinstance(outcomes[-1], _Waiting)
            if waiting == self.batch_size:
                yield from self._leave(outcomes)
                outcomes, waiting = [], 0
        yield from self._leave(outcomes)

    def _enter(self, source: Source, image: ImageHWC) -> _Waiting:
        """Resize each image on its own, so that neighbours in a batch can't matter."""
        raw = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return _Waiting(source, image.shape[:2], self.model.preprocess(raw.to(self.device)))

    def _leave(self, outcomes: Sequence[_Waiting | Failure]) -> Iterator[Prediction | Failure]:
        inputs = [outcome.input_1chw for outcome in outcomes if isinstance(outcome, _Waiting)]
        answers = iter(self._probabilities(torch.cat(inputs)) if inputs else ())
        for outcome in outcomes:
            yield outcome if isinstance(outcome, Failure) else self._answer(outcome, next(answers))

    def _probabilities(self, input_bchw: TensorBCHW) -> torch.Tensor:
        """Mean over the views of the test-time augmentation: B x K, or B x 1 x H x W."""
        segment = self.model.task == "segmentation"
        with torch.inference_mode():
            found = []
            for view in self._views:
                answer = self.model.probabilities(self.model(view.forward(input_bchw)).double())
                found.append(view.inverse(answer) if segment else answer)
            return torch.stack(found).mean(dim=0).cpu()

    def _answer(self, image: _Waiting, probability: torch.Tensor) -> Prediction:
        if self.model.task == "segmentation":
            return self._mask(image, probability)
        values = probability.numpy()
        table = {label: float(value) for label, value in zip(self.model.labels, values, strict=True)}
        return Prediction(image.source, self.model.labels[int(values.argmax())], table, image.size)

    def _mask(self, image: _Waiting, probability_1hw: torch.Tensor) -> Prediction:
        with torch.inference_mode():
            resized = resize_float(probability_1hw[None].float(), image.size)[0, 0].clamp(0, 1).numpy()
        mask = (resized > self.threshold).astype(np.uint8)
        foreground = self.model.labels[-1]
        inside = float(resized[mask > 0].mean(dtype=np.float64)) if mask.any() else 0.0
        label = foreground if mask.any() else BACKGROUND
        return Prediction(image.source, label, {foreground: inside}, image.size, mask, resized)


def _read(source: Source) -> ImageHWC | DeepHealthError:
    try:
        return read_rgb(source)
    except DeepHealthError as error:
        return error


def _read_ahead(sources: Iterable[Source]) -> Iterator[tuple[Source, ImageHWC | DeepHealthError]]:
    """Decode a few images ahead in threads (the codecs release the interpreter's lock), in order."""
    remaining = iter(sources)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="deephealth-read") as pool:
        queue: deque[tuple[Source, Future[ImageHWC | DeepHealthError]]] = deque()
        queue.extend((source, pool.submit(_read, source)) for source in islice(remaining, _READ_AHEAD))
        while queue:
            source, future = queue.popleft()
            image = future.result()
            queue.extend((later, pool.submit(_read, later)) for later in islice(remaining, 1))
            yield source, image
