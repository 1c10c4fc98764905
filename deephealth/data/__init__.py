"""Floor 3: samples, splits by patient, caches, prefetching, samplers and the data module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.data.batch_memory import BatchMemory
    from deephealth.data.batches import EvaluationBatches, TrainBatches, TrainLoader
    from deephealth.data.cache import DecodedRasters, RasterCache, Rasters, default_cache_folder
    from deephealth.data.catalogue import LAYOUTS, SAMPLERS
    from deephealth.data.check import CheckReport
    from deephealth.data.datamodule import ImageDataModule, PrepareReport
    from deephealth.data.dataset import ImageDataset
    from deephealth.data.deephealth_yaml import DEEPHEALTH_YAML
    from deephealth.data.layout import Layout, read_index
    from deephealth.data.permute import shuffle_labels
    from deephealth.data.prefetch import Prefetch
    from deephealth.data.sample import DataIndex, Problem, Sample
    from deephealth.data.select import select_for_task
    from deephealth.data.split import Split, check_classes, check_leaks, make_split
    from deephealth.data.volume_cache import VolumeCache, content_key

__all__ = [
    "DEEPHEALTH_YAML",
    "LAYOUTS",
    "SAMPLERS",
    "BatchMemory",
    "CheckReport",
    "DataIndex",
    "DecodedRasters",
    "EvaluationBatches",
    "ImageDataModule",
    "ImageDataset",
    "Layout",
    "Prefetch",
    "PrepareReport",
    "Problem",
    "RasterCache",
    "Rasters",
    "Sample",
    "Split",
    "TrainBatches",
    "TrainLoader",
    "VolumeCache",
    "check_classes",
    "check_leaks",
    "content_key",
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
    "BatchMemory": "batch_memory",
    "CheckReport": "check",
    "DataIndex": "sample",
    "DecodedRasters": "cache",
    "EvaluationBatches": "batches",
    "ImageDataModule": "datamodule",
    "ImageDataset": "dataset",
    "Layout": "layout",
    "Prefetch": "prefetch",
    "PrepareReport": "datamodule",
    "Problem": "sample",
    "RasterCache": "cache",
    "Rasters": "cache",
    "Sample": "sample",
    "Split": "split",
    "TrainBatches": "batches",
    "TrainLoader": "batches",
    "VolumeCache": "volume_cache",
    "check_classes": "split",
    "check_leaks": "split",
    "content_key": "volume_cache",
    "default_cache_folder": "cache",
    "make_split": "split",
    "read_index": "layout",
    "select_for_task": "select",
    "shuffle_labels": "permute",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
