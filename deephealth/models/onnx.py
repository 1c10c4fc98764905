"""Export to ONNX: one file that takes raw images and gives probabilities, checked against the original on samples."""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from deephealth.core.errors import ExportError
from deephealth.core.files import atomic_write
from deephealth.core.optional import require
from deephealth.models.model import Model

if TYPE_CHECKING:
    from deephealth.core.types import ImageHWC, TensorBCHW

__all__ = ["Deployed", "ExportReport", "export_onnx"]

OPSET = 18  # the first whose Resize can antialias


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written and how far it is from the original.

    Args:
        path: the file.
        max_abs_difference: largest difference of a probability between PyTorch and onnxruntime on the samples.
        num_samples: how many images were compared.
        opset: of the file.
        num_bytes: size of the file.
        seconds: export and comparison.
    """

    path: Path
    max_abs_difference: float
    num_samples: int
    opset: int
    num_bytes: int
    seconds: float


class Deployed(nn.Module):
    """A model from grey levels to probabilities, as it is exported.

    Args:
        model: is not changed.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: TensorBCHW) -> torch.Tensor:
        """Return B×K probabilities, or B×K×H×W maps of the source's size.

        Args:
            image: uint8 B×3×H×W, RGB.
        """
        logits = self.model(self.model.preprocess(image))
        height, width = image.shape[-2:]
        return self.model.probabilities(logits, (height, width))


def export_onnx(
    model: Model, path: Path | str, *, samples: Sequence[ImageHWC], tolerance: float = 1e-3
) -> ExportReport:
    """Write one ONNX file and compare it with the model through onnxruntime.

    The input ``image`` is uint8 B×3×H×W with any B, H and W; resize, rounding, normalisation and softmax or sigmoid are
    inside; the output is ``probabilities``, for segmentation at the source's size. The metadata holds labels, task and
    licences; nothing of a patient.

    Args:
        model: any; stays as it is.
        path: the file; written whole or not at all.
        samples: uint8 RGB images H×W×3, of any sizes; where none are at hand, random ones are drawn.
        tolerance: largest difference of a probability that is accepted.

    Raises:
        ExportError: the network can't be exported, or the difference is above the tolerance; nothing is written.
        OptionalDependencyError: onnx, onnxscript or onnxruntime isn't installed.
        StorageError: the file can't be written.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        require(module, purpose="exporting to ONNX")
    samples = list(samples) or _random_images(model.image_size)
    started = time.perf_counter()
    deployed = Deployed(copy.deepcopy(model).cpu().float().eval())
    content = _convert(deployed)
    difference = _compare(deployed, content, samples)
    if not difference <= tolerance:
        raise ExportError(
            f"the exported model differs from the original by {difference:.2g} on {len(samples)} samples",
            allowed=f"at most {tolerance:g}",
            hint="nothing was written; report the network and the versions that `deephealth doctor` prints",
        )
    atomic_write(path, content)
    seconds = time.perf_counter() - started
    return ExportReport(Path(path), difference, len(samples), OPSET, len(content), seconds)


def _random_images(size: tuple[int, int]) -> list[ImageHWC]:
    draw = np.random.default_rng(0)
    sizes = [size, (size[0] + 37, size[1] + 11), (2 * size[0], 3 * size[1])]
    return [draw.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in sizes]


def _convert(deployed: Deployed) -> bytes:
    height, width = deployed.model.image_size
    example = torch.zeros(
        (2, 3, height + 5, width + 7), dtype=torch.uint8
    )  # not the network's size: nothing may be folded away
    dynamic = torch.export.Dim.DYNAMIC
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                deployed,
                (example,),
                input_names=["image"],
                output_names=["probabilities"],
                dynamic_shapes={"image": {0: dynamic, 2: dynamic, 3: dynamic}},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter has no common base class of its errors
        reason = str(error).strip().splitlines()[0]
        raise ExportError(f"'{deployed.model.spec.network}' can't be exported to ONNX: {reason}") from error
    proto = program.model_proto  # type: ignore[union-attr]
    _describe(proto, deployed.model)
    return proto.SerializeToString()


def _describe(proto: Any, model: Model) -> None:
    spec = model.spec
    facts = {
        "labels": json.dumps(list(spec.labels), ensure_ascii=False),
        "task": spec.task,
        "usecase": spec.usecase,
        "network": spec.network,
        "image_size": json.dumps(list(spec.image_size)),
        "threshold": f"{spec.threshold:g}",
        "licences": json.dumps(list(spec.licences), ensure_ascii=False),
        "notice": "not for diagnosis",
    }
    del proto.metadata_props[:]
    for key, value in facts.items():
        proto.metadata_props.add(key=key, value=value)
    for node in proto.graph.node:  # stack traces of the exporter: paths of this machine
        del node.metadata_props[:]
        node.doc_string = ""


def _compare(deployed: Deployed, content: bytes, samples: Sequence[ImageHWC]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for sample in samples:
        image = np.ascontiguousarray(sample.transpose(2, 0, 1))[None]
        with torch.inference_mode():
            expected = deployed(torch.from_numpy(image)).numpy()
        (got,) = session.run(["probabilities"], {"image": image})
        difference = np.abs(expected - got).max() if got.shape == expected.shape else np.inf
        largest = max(largest, float(difference))
    return largest
