"""How fast ``.nii.gz`` files are read, next to nibabel and SimpleITK, on four kinds of stream.

The streams are made by zlib, as nibabel's are: noisy 16-bit voxels at levels 1 and 6, smooth ones at level 6, a label
map at level 1. Last, the noisy volume as ``write_nifti`` compresses it, which all readers take too. What is read is
checked to be equal before anything is timed.

    python scripts/bench/nifti_read.py --threads 1
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import interleave, machine, print_table, speedup, write_json

from deephealth.core.optional import is_installed
from deephealth.io.nifti import read_nifti, write_nifti
from deephealth.io.volume import Volume

SIZE = (160, 256, 256)  # D, H, W: 21 MB of 16-bit voxels
LEAST_NIBABEL, LEAST_ITK = 2.3, 1.0


def volumes() -> dict[str, tuple[np.ndarray, int | None]]:
    """Return the voxels and the zlib level of each stream; no level: written by ourselves."""
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[2] * 1j]
    radius = x**2 + y**2 + z**2
    smooth = 1000 * np.exp(-2 * radius)
    noisy = (smooth + rng.normal(0, 30, SIZE)).astype(np.int16)
    labels = ((radius < 0.8) + 1 * (radius < 0.3) + 3 * ((x - 0.5) ** 2 + y**2 + z**2 < 0.05)).astype(np.uint8)
    return {
        "noisy, level 1": (noisy, 1),
        "noisy, level 6": (noisy, 6),
        "smooth, level 6": (smooth.astype(np.int16), 6),
        "label map": (labels, 1),
        "noisy, our blocks": (noisy, None),
    }


def write_stream(path: Path, voxels: np.ndarray, level: int | None) -> None:
    """Write ``voxels`` as one gzip member of zlib, or in our blocks."""
    volume = Volume(voxels, np.diag([0.8, 0.8, 1.5, 1.0]))
    if level is None:
        write_nifti(path, volume)
        return
    raw = path.with_name("raw.nii")
    write_nifti(raw, volume)
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(raw.read_bytes()) + packer.flush())
    raw.unlink()


def readers(path: Path, threads: int | None) -> dict[str, Callable[[], np.ndarray]]:
    """Return what reads ``path`` to (D, H, W), by name."""
    found: dict[str, Callable[[], np.ndarray]] = {"deephealth": lambda: read_nifti(path, threads=threads).data}
    if is_installed("nibabel"):
        import nibabel

        found["nibabel"] = lambda: np.asanyarray(nibabel.load(path).dataobj).T
    if is_installed("SimpleITK"):
        import SimpleITK

        if threads:
            SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
        kept: list[Any] = [None]  # the view does not keep the image alive

        def read_itk() -> np.ndarray:
            kept[0] = SimpleITK.ReadImage(str(path))
            return SimpleITK.GetArrayViewFromImage(kept[0])

        found["SimpleITK"] = read_itk
    return found


def measure(path: Path, threads: int | None, rounds: int) -> dict[str, Any]:
    """Return seconds and ratios for one stream."""
    peers = readers(path, threads)
    right = peers["deephealth"]()
    for name, read in peers.items():
        if not np.array_equal(read(), right):
            message = f"{name} reads other values from {path.name}"
            raise SystemExit(message)
    seconds = interleave(peers, rounds=rounds)
    ratios = {name: speedup(seconds["deephealth"], times) for name, times in seconds.items() if name != "deephealth"}
    return {"seconds": seconds, "ratios": ratios, "bytes": right.nbytes, "packed": path.stat().st_size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=None, help="cores per reader; all by default")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="where to keep the raw figures")
    given = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (voxels, level) in volumes().items():
            path = Path(folder) / "stream.nii.gz"
            write_stream(path, voxels, level)
            figures[name] = measure(path, given.threads, given.rounds)
    report(figures)
    packages = [name for name in ("nibabel", "SimpleITK", "deflate", "isal") if is_installed(name)]
    about = machine(packages)
    print(f"\n{about}")
    write_json(given.json, {"machine": about, "figures": figures})


def report(figures: dict[str, Any]) -> None:
    """Print the table and whether the bars are met."""
    peers = list(next(iter(figures.values()))["ratios"])
    rows = []
    for name, figure in figures.items():
        speed = figure["bytes"] / 1e6 / float(np.median(figure["seconds"]["deephealth"]))
        ratios = [figure["ratios"][peer] for peer in peers]
        cells = [f"{ratio['times']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})" for ratio in ratios]
        rows.append([name, f"{figure['bytes'] / figure['packed']:.1f}", f"{speed:.0f}", *cells])
    print_table(rows, ["stream", "ratio", "MB/s", *(f"times {peer}" for peer in peers)])
    given = [figure["ratios"] for name, figure in figures.items() if "our blocks" not in name]
    if "nibabel" in peers:
        least = min(ratios["nibabel"]["times"] for ratios in given)
        print(
            f"\nleast over nibabel: {least:.2f} (bar {LEAST_NIBABEL}): {'met' if least >= LEAST_NIBABEL else 'MISSED'}"
        )
    if "SimpleITK" in peers:
        mean = float(np.exp(np.mean([np.log(ratios["SimpleITK"]["times"]) for ratios in given])))
        print(
            f"geometric mean over SimpleITK: {mean:.2f} (bar {LEAST_ITK}): {'met' if mean >= LEAST_ITK else 'MISSED'}"
        )


if __name__ == "__main__":
    main()
