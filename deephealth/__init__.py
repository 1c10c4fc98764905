"""Deep learning and high-performance computing at the service of biomedicine.

>>> import deephealth
>>> "uc12-skin" in deephealth.list_usecases()
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth import ecvl, eddl
    from deephealth.config import Config, load_config
    from deephealth.core.errors import DeepHealthError
    from deephealth.infer.predictor import Predictor
    from deephealth.models import Model, build_model, list_models
    from deephealth.usecases import list_usecases
    from deephealth.usecases.evaluation import evaluate_run, report_run
    from deephealth.usecases.exporting import export_run
    from deephealth.usecases.predicting import load
    from deephealth.usecases.training import resume_run, train_run

__version__ = "0.1.0"

# public name -> module that holds it (None: a subpackage); imported on first use: `import deephealth` loads no torch
_PUBLIC: dict[str, str | None] = {
    "Config": "deephealth.config",
    "DeepHealthError": "deephealth.core.errors",
    "Model": "deephealth.models",
    "Predictor": "deephealth.infer.predictor",
    "build_model": "deephealth.models",
    "ecvl": None,
    "eddl": None,
    "evaluate_run": "deephealth.usecases.evaluation",
    "export_run": "deephealth.usecases.exporting",
    "list_models": "deephealth.models",
    "list_usecases": "deephealth.usecases",
    "load": "deephealth.usecases.predicting",
    "load_config": "deephealth.config",
    "report_run": "deephealth.usecases.evaluation",
    "resume_run": "deephealth.usecases.training",
    "train_run": "deephealth.usecases.training",
}

__all__ = [
    "Config",
    "DeepHealthError",
    "Model",
    "Predictor",
    "build_model",
    "ecvl",
    "eddl",
    "evaluate_run",
    "export_run",
    "list_models",
    "list_usecases",
    "load",
    "load_config",
    "report_run",
    "resume_run",
    "train_run",
]

__getattr__, __dir__ = lazy_exports(__name__, _PUBLIC)
