"""Floor 2: reading and writing files, one format per module. Nothing here caches or splits."""

from deephealth.io.dataset_yaml import YamlDataset, YamlSample, read_dataset_yaml, write_dataset_yaml
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster import RASTER_SUFFIXES, read_mask, read_rgb, read_size, write_png
from deephealth.io.source import Source, list_members
from deephealth.io.table import Row, read_table, write_table

__all__ = [
    "DEFAULT_LIMITS",
    "RASTER_SUFFIXES",
    "Limits",
    "Row",
    "Source",
    "YamlDataset",
    "YamlSample",
    "list_members",
    "read_dataset_yaml",
    "read_mask",
    "read_rgb",
    "read_size",
    "read_table",
    "write_dataset_yaml",
    "write_png",
    "write_table",
]
