"""Run one golden case of a data set (what the original parsed, dumped and batched) through ``deephealth.ecvl``.

A case is one ``.npz``: the YAML, the PNG bytes, and every batch in order. Also a command:
``python -m tests.ecvl.dataset_goldens [strict|default] PATTERN…`` prints what differs.
"""

from __future__ import annotations

import fnmatch
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.ecvl.goldens import ATOL, FOLDER, RTOL, Case

DATASETS = Path(os.environ.get("DEEPHEALTH_ECVL_GOLDENS", FOLDER)) / "dataset"


def check(case: Case, folder: Path) -> list[str]:
    """Return one line per value that differs from the original's.

    Args:
        case: the case.
        folder: empty; the data set is laid out there.
    """
    (folder / "im").mkdir()
    (folder / "toy.yml").write_text(str(case.arrays["yaml"]))
    for name, data in case.under("png").items():
        (folder / "im" / f"{name}.png").write_bytes(data.tobytes())
    run = {"dataset": _check_dataset, "dldataset": _check_batches}[case.config["kind"]]
    return list(run(case, folder))


def _check_dataset(case: Case, folder: Path) -> Iterator[str]:
    import deephealth.ecvl as ecvl

    data = ecvl.Dataset(str(folder / "toy.yml"))
    yield from _same("name", data.name_, str(case.arrays["name"]))
    yield from _same("description", data.description_, str(case.arrays["description"]))
    yield from _same("task", str(data.task_), str(case.arrays["task"]))
    yield from _same("classes", data.classes_, case.arrays["classes"].tolist())
    yield from _same("features", data.features_, case.arrays["features"].tolist())
    yield from _same("split_names", [s.split_name_ for s in data.split_], case.arrays["split_names"].tolist())
    yield from _same("split_ids", str([s.samples_indices_ for s in data.split_]), str(case.arrays["split_ids"]))
    yield from _same("labels", _labels(data, folder), str(case.arrays["labels"]).replace('"', "'"))
    data.Dump(str(folder / "dumped.yml"))
    yield from _same("dump", _relative((folder / "dumped.yml").read_text(), folder), str(case.arrays["dump"]))
    if "image0" in case.arrays:
        _write_picture(folder / "im" / "0.png", case.arrays["image0"])
        yield from _same_values("image0", np.array(data.samples_[0].LoadImage()), case.arrays["image0"])


def _check_batches(case: Case, folder: Path) -> Iterator[str]:
    import deephealth.ecvl as ecvl

    config = case.config
    aug = eval(config["aug"], {"ecvl": ecvl}) if config.get("aug") else None  # the cases are this project's own files
    ctype = ecvl.ColorType[config["ctype"]]
    names = ("training", "validation", "test")
    data = ecvl.DLDataset(
        str(folder / "toy.yml"),
        config["batch"],
        ecvl.DatasetAugmentations([aug, aug, aug]),
        ctype,
        num_workers=2,
        queue_ratio_size=2,
        drop_last=dict.fromkeys(names, config["drop_last"]),
    )
    yield from _same("task", str(data.task_), str(case.arrays["task"]))
    yield from _same("classes", data.classes_, case.arrays["classes"].tolist())
    for name in names:
        yield from _check_split(case, data, name, folder)


def _check_split(case: Case, data: Any, name: str, folder: Path) -> Iterator[str]:
    data.SetSplit(name)
    data.ResetBatch()
    yield from _same(f"{name}/samples", data.GetSplit(), case.arrays[f"{name}/samples"].tolist())
    yield from _same(f"{name}/num_batches", data.GetNumBatches(), int(case.arrays[f"{name}/num_batches"]))
    data.Start()
    for at in range(data.GetNumBatches()):
        samples, x, y = data.GetBatch()
        prefix = f"{name}/{at}"
        found = [_relative(sample.location_[0], folder) for sample in samples]
        yield from _same(f"{prefix}/locations", found, case.arrays[f"{prefix}/locations"].tolist())
        yield from _same_values(f"{prefix}/x", np.array(x), case.arrays[f"{prefix}/x"])
        yield from _same_values(f"{prefix}/y", np.array(y), case.arrays[f"{prefix}/y"])
    data.Stop()


def _labels(data: Any, folder: Path) -> str:
    if all(sample.label_path_ is not None for sample in data.samples_):
        return str([_relative(sample.label_path_, folder) for sample in data.samples_])
    return str([sample.label_ for sample in data.samples_])


def _relative(text: str, folder: Path) -> str:
    return text.replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "")


def _write_picture(path: Path, xyc: np.ndarray) -> None:
    if not path.exists():  # some cases hold the pixels and not the file
        cv2.imwrite(str(path), xyc.transpose(1, 0, 2)[:, :, ::-1])


def _same(name: str, got: Any, wanted: Any) -> Iterator[str]:
    if got != wanted:
        yield f"{name} is {got!r}, and was {wanted!r}"


def _same_values(name: str, got: np.ndarray, wanted: np.ndarray) -> Iterator[str]:
    if got.shape != wanted.shape:
        yield f"{name}: shape {got.shape}, and was {wanted.shape}"
    elif not np.allclose(got, wanted, rtol=RTOL, atol=ATOL):
        far = np.abs(got.astype(np.float64) - wanted)
        yield f"{name}: {int((far > ATOL).sum())} of {far.size} differ, by {far.max():g} at most"


def cases(pattern: str = "*", folder: Path = DATASETS) -> list[Path]:
    """Return the files of the cases that match a shell pattern."""
    return [path for path in sorted(folder.glob("*.npz")) if fnmatch.fnmatch(path.stem, pattern)]


def main(arguments: list[str]) -> int:
    """Print what differs; the exit status is the number of cases that do."""
    from deephealth.ecvl.strictness import strict

    modes = [word for word in arguments if word in ("strict", "default")] or ["strict", "default"]
    patterns = [word for word in arguments if word not in ("strict", "default")] or ["*"]
    bad = total = 0
    for mode in modes:
        strict(mode == "strict")
        for path in (path for pattern in patterns for path in cases(pattern)):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    problems = check(Case(path), Path(folder))
                except Exception as error:
                    problems = [f"{type(error).__name__}: {error}"]
            total += 1
            bad += bool(problems)
            for line in problems:
                sys.stdout.write(f"{mode} {path.stem}: {line}\n")
    sys.stdout.write(f"{total - bad} of {total} as the original\n")
    return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
