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
    from deephealth.data.patch_grid import PatchAssembler, PatchGrid
    from deephealth.data.patch_loader import PatchLoader
    from deephealth.data.patch_reader import Border, PatchReader
    from deephealth.data.patch_sampling import ForegroundShare, PosNegRatio, UniformSampling
    from deephealth.data.patches import PatchDataset, as_it_is
    from deephealth.data.permute import shuffle_labels
    from deephealth.data.prefetch import Prefetch
    from deephealth.data.prepare_volume import PrepareVolume
    from deephealth.data.sample import DataIndex, Problem, Sample
    from deephealth.data.scaling import Window, ZScore, foreground_window
    from deephealth.data.select import select_for_task
    from deephealth.data.split import Split, check_classes, check_leaks, make_split
    from deephealth.data.volume_cache import VolumeCache, content_key
    from deephealth.data.volume_case import CaseArrays, VolumeCase, read_case
    from deephealth.data.volume_store import FillReport, StoredCase, VolumeStore

__all__ = [
    "DEEPHEALTH_YAML",
    "LAYOUTS",
    "SAMPLERS",
    "BatchMemory",
    "Border",
    "CaseArrays",
    "CheckReport",
    "DataIndex",
    "DecodedRasters",
    "EvaluationBatches",
    "FillReport",
    "ForegroundShare",
    "ImageDataModule",
    "ImageDataset",
    "Layout",
    "PatchAssembler",
    "PatchDataset",
    "PatchGrid",
    "PatchLoader",
    "PatchReader",
    "PosNegRatio",
    "Prefetch",
    "PrepareReport",
    "PrepareVolume",
    "Problem",
    "RasterCache",
    "Rasters",
    "Sample",
    "Split",
    "StoredCase",
    "TrainBatches",
    "TrainLoader",
    "UniformSampling",
    "VolumeCache",
    "VolumeCase",
    "VolumeStore",
    "Window",
    "ZScore",
    "as_it_is",
    "check_classes",
    "check_leaks",
    "content_key",
    "default_cache_folder",
    "foreground_window",
    "make_split",
    "read_case",
    "read_index",
    "select_for_task",
    "shuffle_labels",
]

_HOMES = {
    "DEEPHEALTH_YAML": "deephealth_yaml",
    "LAYOUTS": "catalogue",
    "SAMPLERS": "catalogue",
    "BatchMemory": "batch_memory",
    "Border": "patch_reader",
    "CaseArrays": "volume_case",
    "CheckReport": "check",
    "DataIndex": "sample",
    "DecodedRasters": "cache",
    "EvaluationBatches": "batches",
    "FillReport": "volume_store",
    "ForegroundShare": "patch_sampling",
    "ImageDataModule": "datamodule",
    "ImageDataset": "dataset",
    "Layout": "layout",
    "PatchAssembler": "patch_grid",
    "PatchDataset": "patches",
    "PatchGrid": "patch_grid",
    "PatchLoader": "patch_loader",
    "PatchReader": "patch_reader",
    "PosNegRatio": "patch_sampling",
    "Prefetch": "prefetch",
    "PrepareReport": "datamodule",
    "PrepareVolume": "prepare_volume",
    "Problem": "sample",
    "RasterCache": "cache",
    "Rasters": "cache",
    "Sample": "sample",
    "Split": "split",
    "StoredCase": "volume_store",
    "TrainBatches": "batches",
    "TrainLoader": "batches",
    "UniformSampling": "patch_sampling",
    "VolumeCache": "volume_cache",
    "VolumeCase": "volume_case",
    "VolumeStore": "volume_store",
    "Window": "scaling",
    "ZScore": "scaling",
    "as_it_is": "patches",
    "check_classes": "split",
    "check_leaks": "split",
    "content_key": "volume_cache",
    "default_cache_folder": "cache",
    "foreground_window": "scaling",
    "make_split": "split",
    "read_case": "volume_case",
    "read_index": "layout",
    "select_for_task": "select",
    "shuffle_labels": "permute",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
