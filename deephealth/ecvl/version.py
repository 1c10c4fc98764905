"""The version that the original's programs ask for, and what it says it was built with."""

from __future__ import annotations

__all__ = ["ECVL_EDDL", "ECVL_WITH_DICOM", "ECVL_WITH_OPENSLIDE", "VERSION", "__version__"]

VERSION = __version__ = "1.3.0"  # of PyECVL, whose names and behaviour these are
ECVL_EDDL = ECVL_WITH_DICOM = ECVL_WITH_OPENSLIDE = True
