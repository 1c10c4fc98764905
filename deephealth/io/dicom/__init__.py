"""DICOM: files, series and enhanced multi-frame objects, read into arrays and volumes.

Source: DICOM PS3.3 (information objects), PS3.5 (encoding), PS3.10 (files).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.io.dicom.dataset import read_dataset
    from deephealth.io.dicom.decoders import DECODERS
    from deephealth.io.dicom.frame_geometry import affine_of_slices, positions_of
    from deephealth.io.dicom.header import Header
    from deephealth.io.dicom.metadata import describe
    from deephealth.io.dicom.pixels import read_pixels
    from deephealth.io.dicom.scan import scan
    from deephealth.io.dicom.series import SeriesInfo, list_series, read_series

__all__ = [
    "DECODERS",
    "Header",
    "SeriesInfo",
    "affine_of_slices",
    "describe",
    "list_series",
    "positions_of",
    "read_dataset",
    "read_pixels",
    "read_series",
    "scan",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DECODERS": "decoders",
        "Header": "header",
        "SeriesInfo": "series",
        "affine_of_slices": "frame_geometry",
        "describe": "metadata",
        "list_series": "series",
        "positions_of": "frame_geometry",
        "read_dataset": "dataset",
        "read_pixels": "pixels",
        "read_series": "series",
        "scan": "scan",
    },
)
