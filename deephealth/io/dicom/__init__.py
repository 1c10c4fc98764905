"""DICOM: files, series and enhanced multi-frame objects, read into arrays and volumes.

Source: DICOM PS3.3 (information objects), PS3.5 (encoding), PS3.10 (files).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.io.dicom.dataset import *  # noqa: F403
    from deephealth.io.dicom.decoders import *  # noqa: F403
    from deephealth.io.dicom.frame_geometry import *  # noqa: F403
    from deephealth.io.dicom.header import *  # noqa: F403
    from deephealth.io.dicom.metadata import *  # noqa: F403
    from deephealth.io.dicom.pixels import *  # noqa: F403
    from deephealth.io.dicom.report import *  # noqa: F403
    from deephealth.io.dicom.rtstruct import *  # noqa: F403
    from deephealth.io.dicom.scanning import *  # noqa: F403
    from deephealth.io.dicom.segment import *  # noqa: F403
    from deephealth.io.dicom.segmentation import *  # noqa: F403
    from deephealth.io.dicom.series import *  # noqa: F403
    from deephealth.io.dicom.writing import *  # noqa: F403

_BY_HOME = {
    "dataset": "read_dataset",
    "decoders": "DECODERS",
    "frame_geometry": "affine_of_slices positions_of",
    "header": "Header",
    "metadata": "describe",
    "pixels": "read_pixels",
    "report": "Finding Measurement write_measurement_report",
    "rtstruct": "read_rtstruct rtstruct_names",
    "scanning": "scan",
    "segment": "Segment Segmentation",
    "segmentation": "read_segmentation write_segmentation",
    "series": "SeriesInfo list_series read_series",
    "writing": "Code read_source_images write_secondary_capture write_series",
}
_HOMES: dict[str, str | None] = {name: home for home, names in _BY_HOME.items() for name in names.split()}

__all__ = sorted(_HOMES)

_get, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return _get(name)
