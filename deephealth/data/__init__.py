"""Floor 3: samples, splits by patient, the raster cache, samplers and the data module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.data.batches import EvaluationBatches, TrainBatches, TrainLoader
    from deephealth.data.cache import DecodedRasters, RasterCache, Rasters, default_cache_folder
    from deephealth.data.catalogue import LAYOUTS, SAMPLERS
    from deephealth.data.check import CheckReport
    from deephealth.data.datamodule import ImageDataModule, PrepareReport
    from deephealth.data.dataset import ImageDataset
    from deephealth.data.deephealth_yaml import DEEPHEALTH_YAML
    from deephealth.data.layout import Layout, read_index
    from deephealth.data.permute import shuffle_labels
    from deephealth.data.sample import DataIndex, Problem, Sample
    from deephealth.data.select import select_for_task
    from deephealth.data.split import Split, check_classes, check_leaks, make_split

__all__ = [
    "DEEPHEALTH_YAML",
    "LAYOUTS",
    "SAMPLERS",
    "CheckReport",
    "DataIndex",
    "DecodedRasters",
    "EvaluationBatches",
    "ImageDataModule",
    "ImageDataset",
    "Layout",
    "PrepareReport",
    "Problem",
    "RasterCache",
    "Rasters",
    "Sample",
    "Split",
    "TrainBatches",
    "TrainLoader",
    "check_classes",
    "check_leaks",
    "default_cache_folder",
    "make_split",
    "read_index",
    "select_for_task",
    "shuffle_labels",
]

_HOMES = {
    "DEEPHEALTH_YAML": "deephealth_yaml",
    "LAYOUTS": "catalogue",
    "SAMPLERS": "catalogue",
    "CheckReport": "check",
    "DataIndex": "sample",
    "DecodedRasters": "cache",
    "EvaluationBatches": "batches",
    "ImageDataModule": "datamodule",
    "ImageDataset": "dataset",
    "Layout": "layout",
    "PrepareReport": "datamodule",
    "Problem": "sample",
    "RasterCache": "cache",
    "Rasters": "cache",
    "Sample": "sample",
    "Split": "split",
    "TrainBatches": "batches",
    "TrainLoader": "batches",
    "check_classes": "split",
    "check_leaks": "split",
    "default_cache_folder": "cache",
    "make_split": "split",
    "read_index": "layout",
    "select_for_task": "select",
    "shuffle_labels": "permute",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
