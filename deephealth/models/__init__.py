"""Floor 3: networks, pretrained weights with their facts, models as folders, cards, ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.models.build import build_model, list_models, load_model
    from deephealth.models.card import missing_fields
    from deephealth.models.catalogue import NETWORKS, WEIGHTS
    from deephealth.models.model import Model
    from deephealth.models.onnx import ExportReport, export_onnx
    from deephealth.models.preprocess import Preprocess
    from deephealth.models.spec import ModelSpec

__all__ = [
    "NETWORKS",
    "WEIGHTS",
    "ExportReport",
    "Model",
    "ModelSpec",
    "Preprocess",
    "build_model",
    "export_onnx",
    "list_models",
    "load_model",
    "missing_fields",
]

_HOMES = {
    "NETWORKS": "catalogue",
    "WEIGHTS": "catalogue",
    "ExportReport": "onnx",
    "Model": "model",
    "ModelSpec": "spec",
    "Preprocess": "preprocess",
    "build_model": "build",
    "export_onnx": "onnx",
    "list_models": "build",
    "load_model": "build",
    "missing_fields": "card",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
