"""Upstream's example programs, and the older pipelines': what each needs, its arguments, and a runner.

``python -m tests.ecvl.conformance.examples`` runs those whose sources are here, and prints a table.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ecvl.conformance.stand_ins import STAND_INS

PYECVL, PIPELINES = "DEEPHEALTH_PYECVL_SOURCES", "DEEPHEALTH_PIPELINES_SOURCES"
"""Environment variables that name the folders of PyECVL's sources, and of the use-case pipelines'."""

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Example:
    """One program.

    Args:
        sources: the variable that names the folder of its sources.
        path: below that folder.
        arguments: its arguments.
        needs: stand-ins.
        leaves: a file that it writes; empty if it writes none.
    """

    sources: str
    path: str
    arguments: str
    needs: tuple[str, ...]
    leaves: str = ""


EXAMPLES = (
    Example(PYECVL, "examples/augmentations.py", "test.jpg", ("photograph",), "test_flip_9.jpg"),
    Example(PYECVL, "examples/dataset.py", "mnist/mnist.yml", ("digits",), "img0.png"),
    Example(
        PYECVL,
        "examples/dataset_generator.py",
        "fake_classification_dataset fake_segmentation_dataset",
        ("trees",),
        "segmentation_dataset.yml",
    ),
    Example(
        PYECVL,
        "examples/ecvl_eddl.py",
        "test.jpg mnist/mnist.yml",
        ("photograph", "digits"),
        "mnist_batch_normalized.png",
    ),
    Example(PYECVL, "examples/img_format.py", "nifti/LR_nifti.nii dicom/ISIC_0000008.dcm", ("volumes",)),
    Example(
        PYECVL,
        "examples/imgproc.py",
        "test.jpg lena.png",
        ("photograph", "second photograph"),
        "test_coarse_dropout.jpg",
    ),
    Example(
        PYECVL, "examples/moments.py", "example_ISIC_01.jpg", ("lesion photograph",), "example_ISIC_01_moments.jpg"
    ),
    Example(PYECVL, "examples/openslide.py", "hamamatsu/slide.svs", ("slide",), "slide_level_1.png"),
    Example(PYECVL, "examples/pipeline.py", "mnist/mnist_reduced.yml --batch-size 20", ("fewer digits",)),
    Example(PYECVL, "examples/read_write.py", "test.jpg test_mod.jpg", ("photograph",), "test_mod.jpg"),
    Example(
        PIPELINES,
        "python/mnist_batch.py",
        "mnist/mnist.yml --epochs 1 --batch-size 20",
        ("digits",),
        "mnist_checkpoint.bin",
    ),
)


def run_example(example: Example, sources: Path, folder: Path, *, timeout: float = 900) -> subprocess.CompletedProcess:
    """Run an example unchanged in ``folder``, after making what it needs there."""
    for need in example.needs:
        STAND_INS[need](folder)
    program = sources / example.path
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (REPOSITORY, sources, folder))),
        "DEEPHEALTH_OFFLINE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(
        [sys.executable, "-m", "deephealth.compat", str(program), *example.arguments.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def main() -> int:
    """Run and print the table."""
    failed = 0
    for example in EXAMPLES:
        sources = Path(os.environ.get(example.sources, ""))
        if not (sources / example.path).is_file():
            print(f"{'absent':8} {example.path}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            result = run_example(example, sources, Path(folder))
            whole = result.returncode == 0 and (Path(folder) / example.leaves).exists()
        failed += not whole
        print(f"{'ok' if whole else 'FAILED':8} {example.path} {time.monotonic() - start:.0f} s")
        if not whole:
            print(result.stdout[-800:], result.stderr[-2000:])
    return failed


if __name__ == "__main__":
    sys.exit(main())
