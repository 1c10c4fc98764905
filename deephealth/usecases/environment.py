"""What a run ran on: versions, processors, accelerators, codecs, and what is missing or unsafe."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

from packaging.specifiers import SpecifierSet

from deephealth.core.optional import EXTRAS, is_installed

__all__ = ["environment", "findings"]

PACKAGES = (
    "deephealth",
    "torch",
    "torchvision",
    "lightning",
    "monai",
    "torchmetrics",
    "timm",
    "numpy",
    "numba",
    "triton",
    "connected-components-3d",
    "edt",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "nibabel",
    "openslide-python",
    "isal",
    "deflate",
    "pydantic",
    "safetensors",
    "onnx",
    "onnxruntime",
)

# a version outside these is known to be unsafe; the reason is printed
SAFE = {
    "lightning": ("!=2.6.2,!=2.6.3", "2.6.2 and 2.6.3 were malicious uploads"),
    "torch": (">=2.8", "older ones run code from weight files even with weights_only=True (CVE-2025-32434)"),
    "monai": (">=1.6", "older ones unpickle downloads (GHSA-89gg-p5r5-q6r4)"),
    "pydicom": (">=3.0.2", "older ones leave the root of a DICOMDIR (CVE-2026-32711)"),
    "onnx": (">=1.21", "older ones follow links out of a model's folder (CVE-2026-27489)"),
}


def environment() -> dict[str, dict[str, Any]]:
    """Return the facts of this machine and installation, section by section; nothing that names a person or a host.

    Example:
        >>> sorted(environment())
        ['accelerators', 'codecs', 'extras', 'machine', 'packages']
    """
    return {
        "packages": {name: _version(name) or "not installed" for name in PACKAGES},
        "machine": _machine(),
        "accelerators": _accelerators(),
        "codecs": _codecs(),
        "extras": {module: _extra(module) for module in EXTRAS},
    }


def findings(facts: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is wrong with an environment: versions that are known to be unsafe.

    Example:
        >>> findings({"packages": {"lightning": "2.6.3"}})
        ['lightning 2.6.3: 2.6.2 and 2.6.3 were malicious uploads; pip install "lightning!=2.6.2,!=2.6.3"']
    """
    problems = []
    for name, (allowed, reason) in SAFE.items():
        version = facts["packages"].get(name, "not installed")
        if version != "not installed" and not SpecifierSet(allowed, prereleases=True).contains(version):
            problems.append(f'{name} {version}: {reason}; pip install "{name}{allowed}"')
    return problems


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    import torch

    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "vector unit": torch.backends.cpu.get_cpu_capability(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.partition(":")[2].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _accelerators() -> dict[str, str]:
    import torch

    if not torch.cuda.is_available():
        return {"gpu": "none"}
    return {f"gpu {i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}


def _codecs() -> dict[str, str]:
    from PIL import features

    names = {"jpg": "JPEG", "zlib": "PNG", "libtiff": "TIFF", "jpg_2000": "JPEG 2000", "webp": "WebP"}
    return {
        title: str(features.version(name) or "yes") if features.check(name) else "no" for name, title in names.items()
    }


def _extra(module: str) -> str:
    extra, distribution = EXTRAS[module]
    return "yes" if is_installed(module) else f"no: pip install 'deephealth[{extra}]' brings {distribution}"
