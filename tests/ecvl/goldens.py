"""Run one golden case (what the original ECVL computed) through the public names of ``deephealth.ecvl`` and compare.

A case is one ``.npz``: ``config.code`` runs with the inputs as Images, the other arrays are what came out. Also a
command: ``python -m tests.ecvl.goldens [strict|default] PATTERN…`` prints what differs.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(os.environ.get("DEEPHEALTH_ECVL_GOLDENS", Path(__file__).resolve().parents[1] / "golden" / "ecvl"))
ATOL = RTOL = 1e-5
# OpenCV 5 interpolates these with other weights than the 4.6 that the original ran on: whole numbers may differ by 1
OPENCV_5 = ("cubic", "lanczos")


class Case:
    """A golden case.

    Args:
        path: the ``.npz``.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.stem
        with np.load(path, allow_pickle=False) as stored:
            self.arrays: dict[str, np.ndarray] = {name: stored[name] for name in stored.files if name != "config"}
            self.config: dict[str, Any] = json.loads(str(stored["config"]))

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """Arrays whose names begin with ``prefix/``, without it."""
        return {n[len(prefix) + 1 :]: a for n, a in self.arrays.items() if n.startswith(f"{prefix}/")}


@contextlib.contextmanager
def aliases() -> Iterator[None]:
    """Make ``pyeddl`` and ``pyecvl`` importable, and work in a folder of its own."""
    from deephealth import compat

    before = Path.cwd()
    compat.install()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            compat.uninstall()


def run(case: Case) -> dict[str, Any]:
    """Return what the case's code leaves in ``OUT``."""
    import deephealth.ecvl as ecvl

    out: dict[str, Any] = {}
    meta = case.config.get("meta", {})

    def fa(array: np.ndarray, colortype: Any = None) -> Any:
        if isinstance(array, ecvl.Image):
            array = np.array(array)
        if colortype is None:
            colortype = ecvl.ColorType.GRAY if array.shape[2] == 1 else ecvl.ColorType.RGB
        return ecvl.Image.fromarray(np.asfortranarray(array), "xyc", colortype, [])

    def other(image: Any) -> np.ndarray:
        array = np.array(image)[::-1]
        if array.dtype.kind == "f":
            return (np.abs(array) + 0.5).astype(array.dtype)
        return np.maximum(array // 2, 1).astype(array.dtype)

    names = {"ecvl": ecvl, "np": np, "Image": ecvl.Image, "OUT": out, "fa": fa, "other": other}
    for name, array in case.under("in").items():
        said = meta[f"in/{name}"]
        colortype = ecvl.ColorType[said["colortype"].rpartition(".")[2]]
        names[name] = ecvl.Image.fromarray(np.asfortranarray(array), said["channels"], colortype, [])
    with aliases():
        exec(case.config["code"], names)  # the cases are this project's own files
    return out


def compare(case: Case, out: dict[str, Any]) -> list[str]:
    """Return one line per array or attribute that differs from the original's."""
    from deephealth.ecvl import Image

    problems = []
    meta = case.config.get("meta", {})
    for name, wanted in case.under("out").items():
        if name in ("file",):  # encoded bytes differ between versions of the codecs
            continue
        if name not in out:
            problems.append(f"{name}: missing")
            continue
        got = out[name]
        said = meta.get(f"out/{name}", {})
        if isinstance(got, Image):
            problems += [f"{name}: {line}" for line in _attributes(got, said)]
        problems += [f"{name}: {line}" for line in _values(case, wanted, np.asarray(got))]
    return problems


def _attributes(image: Any, said: dict[str, Any]) -> Iterator[str]:
    for key, got in (
        ("channels", image.channels_),
        ("colortype", str(image.colortype_)),
        ("elemtype", str(image.elemtype_)),
        ("dims", image.dims_),
    ):
        if key in said and said[key] != got:
            yield f"{key} is {got}, and was {said[key]}"


def _values(case: Case, wanted: np.ndarray, got: np.ndarray) -> Iterator[str]:
    if wanted.shape != got.shape:
        yield f"shape {got.shape}, and was {wanted.shape}"
    elif wanted.dtype.kind in "iub":
        far = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
        allowed = 1 if any(word in case.config["code"].lower() for word in OPENCV_5) else 0
        if far.size and far.max() > allowed:
            yield f"{int((far > allowed).sum())} of {far.size} differ, by {far.max():g} at most"
    elif wanted.dtype.kind == "f":
        if not np.allclose(got, wanted, rtol=RTOL, atol=ATOL, equal_nan=True):
            far = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
            yield f"{int((~np.isclose(got, wanted, rtol=RTOL, atol=ATOL)).sum())} of {far.size}, {np.nanmax(far):g}"
    elif not np.array_equal(wanted, got):
        yield f"is {got}, and was {wanted}"


def cases(pattern: str = "*", folder: Path = FOLDER) -> list[Path]:
    """Return the files of the cases that match a shell pattern."""
    return [path for path in sorted(folder.glob("*.npz")) if fnmatch.fnmatch(path.stem, pattern)]


def main(arguments: list[str]) -> int:
    """Print what differs; the exit status is the number of cases that do."""
    from deephealth.ecvl.strictness import strict

    modes = [word for word in arguments if word in ("strict", "default")] or ["strict"]
    patterns = [word for word in arguments if word not in ("strict", "default")] or ["*"]
    bad = total = 0
    for mode in modes:
        strict(mode == "strict")
        for path in dict.fromkeys(path for pattern in patterns for path in cases(pattern)):
            case = Case(path)
            total += 1
            try:
                problems = compare(case, run(case))
            except Exception as error:  # a case must not stop the others
                problems = [f"{type(error).__name__}: {error}".replace("\n", " ")]
            if problems:
                bad += 1
                print(f"{mode} {case.name}: " + "; ".join(problems))
    print(f"{total - bad} of {total} equal")
    return bad


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
