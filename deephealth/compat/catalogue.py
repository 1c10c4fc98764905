"""Which original modules are stood in for, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LEGACY", "LegacyPackage"]


@dataclass(frozen=True, slots=True)
class LegacyPackage:
    """An original library.

    Args:
        name: its top-level module.
        extension: stem of the compiled module without which it cannot run; tells an installation from bare sources.
        modules: original module -> module of this package that stands in for it.
    """

    name: str
    extension: str
    modules: Mapping[str, str]


# each held a part of the names; here each has them all
_ECVL_MODULES = (
    "arithmetic",
    "augmentations",
    "dataset_generator",
    "dataset_parser",
    "datatype",
    "image",
    "imgproc",
    "metadata",
    "support_dcmtk",
    "support_eddl",
    "support_imgcodecs",
    "support_nifti",
    "support_openslide",
)

LEGACY: tuple[LegacyPackage, ...] = (
    LegacyPackage(
        name="pyeddl",
        extension="_core",
        modules={
            "pyeddl": "deephealth.eddl.version",
            "pyeddl.version": "deephealth.eddl.version",
            "pyeddl.eddl": "deephealth.eddl",
            "pyeddl.tensor": "deephealth.eddl.tensor",
            "pyeddl.utils": "deephealth.eddl.tensor.modes",
            "pyeddl._core": "deephealth.eddl.core_classes",
            "pyeddl._core.eddl": "deephealth.eddl.core_api",
        },
    ),
    LegacyPackage(
        name="pyecvl",
        extension="_core",
        modules={
            "pyecvl": "deephealth.ecvl.version",
            "pyecvl.version": "deephealth.ecvl.version",
            "pyecvl.ecvl": "deephealth.ecvl",
            **{f"pyecvl.{name}": "deephealth.ecvl" for name in _ECVL_MODULES},
            "pyecvl._core": "deephealth.ecvl.version",
            "pyecvl._core.ecvl": "deephealth.ecvl.core_api",
        },
    ),
)
