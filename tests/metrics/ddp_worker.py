"""One of some processes, each with its share of the cases: what the metrics say together is written by the first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torchmetrics import Metric

from deephealth.metrics.calibration_scores import CalibrationScores
from deephealth.metrics.froc import Froc
from deephealth.metrics.lesions import LesionScores
from deephealth.metrics.overlap import DiceScore, VolumeScores
from deephealth.metrics.panoptic import PanopticQuality

CASES = 7


def metrics() -> dict[str, Metric]:
    return {
        "dice": DiceScore(4, reduction="mean_batch"),
        "volume": VolumeScores(4),
        "panoptic": PanopticQuality(4),
        "lesions": LesionScores(4, reduction="mean_batch"),
        "calibration": CalibrationScores(4),
        "froc": Froc(),
    }


def arguments(case: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    generator = torch.Generator().manual_seed(case)
    true = torch.randint(0, 4, (1, 6, 7, 5), generator=generator)
    said = torch.where(torch.rand(true.shape, generator=generator) < 0.7, true, 0)
    for name in ("dice", "volume"):
        yield name, (said, true, (2.0, 0.7, 1.3)) if name == "volume" else (said, true)
    yield "panoptic", (said, true)
    yield "lesions", (said, true)
    yield "calibration", (torch.randn((1, 4, 6, 7, 5), generator=generator), true)
    points = torch.stack([torch.randint(0, side, (9,), generator=generator) for side in true.shape[1:]], dim=1)
    yield "froc", (points, torch.rand(9, generator=generator), (true[0] == 1).long())


def computed(cases: list[int]) -> dict[str, Any]:
    found = metrics()
    for case in cases:
        for name, values in arguments(case):
            found[name].update(*values)
    return {name: metric.compute() for name, metric in found.items()}


def main(out: str, rank: int, *divisions: str) -> None:
    """Compute with every division of the cases: the shares of the processes, with commas between."""
    meeting = Path(out, "meet").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=divisions[0].count(",") + 1)
    for number, division in enumerate(divisions):
        values = computed([int(case) for case in division.split(",")[rank].split()])
        if rank == 0:
            torch.save(values, Path(out, f"{number}.pt"))
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
