"""Floor 2: reading and writing files, one format per module. Nothing here caches or splits.

Names are imported on first use, so that a program that reads NIfTI does not pay for DICOM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.io.backend import *  # noqa: F403
    from deephealth.io.dataset_yaml import *  # noqa: F403
    from deephealth.io.dicom.pixels import *  # noqa: F403
    from deephealth.io.dicom.report import *  # noqa: F403
    from deephealth.io.dicom.rtstruct import *  # noqa: F403
    from deephealth.io.dicom.segmentation import *  # noqa: F403
    from deephealth.io.dicom.series import *  # noqa: F403
    from deephealth.io.dicom.writing import *  # noqa: F403
    from deephealth.io.itk import *  # noqa: F403
    from deephealth.io.limits import *  # noqa: F403
    from deephealth.io.nifti import *  # noqa: F403
    from deephealth.io.raster import *  # noqa: F403
    from deephealth.io.sandbox import *  # noqa: F403
    from deephealth.io.slide import *  # noqa: F403
    from deephealth.io.source import *  # noqa: F403
    from deephealth.io.table import *  # noqa: F403
    from deephealth.io.volume import *  # noqa: F403
    from deephealth.io.volumes import *  # noqa: F403

_BY_HOME = {
    "backend": "Backend BackendTable",
    "dataset_yaml": "YamlDataset YamlSample read_dataset_yaml write_dataset_yaml",
    "limits": "DEFAULT_LIMITS Limits",
    "dicom.pixels": "read_pixels",
    "dicom.report": "write_measurement_report",
    "dicom.rtstruct": "read_rtstruct",
    "dicom.segmentation": "read_segmentation write_segmentation",
    "dicom.series": "SeriesInfo list_series read_series",
    "dicom.writing": "write_secondary_capture write_series",
    "itk": "read_itk write_itk",
    "nifti": "read_nifti write_nifti",
    "raster": "RASTER_SUFFIXES read_mask read_rgb read_size write_png",
    "sandbox": "Sandbox read_untrusted",
    "slide": "Slide open_slide",
    "source": "Source list_members",
    "table": "Row read_table write_table",
    "volume": "Volume",
    "volumes": "read_volume write_volume",
}
_HOMES: dict[str, str | None] = {
    name: f"deephealth.io.{home}" for home, names in _BY_HOME.items() for name in names.split()
}

__all__ = sorted(_HOMES)

_get, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return _get(name)
