"""An epoch of ``DLDataset`` against decoding alone, against OpenCV steps on threads, and against torch's DataLoader.

Workloads: ``plain`` decodes and packs; ``resize`` resizes to 224 x 224 before; ``train`` resizes, mirrors, rotates and
converts to 0 to 1. All peers load the same files into batches of float32, N x 3 x H x W; where nothing is random, all
batches are checked to be equal. Decoding alone has no batches: it is what no loader can beat by much.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from row import Row, made_once

from deephealth import ecvl

SIZE = 224
COUNT, BATCH = 500, 32
ALONE = "decoding alone (cv2.imread, threads)"
DEGREES = 30


def make_files(folder: Path, suffix: str) -> None:
    """Write noisy, smooth pictures that compress as photographs do, and the data set file."""
    rng, size = np.random.default_rng(0), 512
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (size, size, 3), dtype=np.uint8), (0, 0), 3)
    smooth = cv2.normalize(smooth, smooth, 0, 255, cv2.NORM_MINMAX).astype(np.int16)
    lines = ["classes: [a, b]", "images:"]
    for at in range(COUNT):
        noisy = np.roll(smooth, 17 * at, 0) + rng.integers(-8, 9, smooth.shape)
        cv2.imwrite(str(folder / f"{at}.{suffix}"), np.clip(noisy, 0, 255).astype(np.uint8))
        lines.append(f"  - {{location: {at}.{suffix}, label: {at % 2}}}")
    (folder / "set.yml").write_text("\n".join([*lines, "split:", f"  training: {list(range(COUNT))}"]) + "\n")


def steps(path: str, workload: str) -> np.ndarray:
    """Do with OpenCV what the workload asks for, and return H x W x 3."""
    picture = cv2.imread(path, cv2.IMREAD_COLOR_RGB)
    if workload == "plain":
        return picture
    picture = cv2.resize(picture, (SIZE, SIZE))
    if workload == "resize":
        return picture
    if np.random.rand() < 0.5:
        picture = cv2.flip(picture, 1)
    middle = (SIZE / 2, SIZE / 2)
    turn = cv2.getRotationMatrix2D(middle, np.random.uniform(-DEGREES, DEGREES), 1)
    return cv2.warpAffine(picture, turn, (SIZE, SIZE)).astype(np.float32) / 255


def augmentations(workload: str) -> Any:
    """Return the same as augmentations, or ``None``."""
    if workload == "plain":
        return None
    chain: list[Any] = [ecvl.AugResizeDim([SIZE, SIZE])]
    if workload == "train":
        chain += [ecvl.AugMirror(0.5), ecvl.AugRotate([-DEGREES, DEGREES]), ecvl.AugToFloat32(255)]
    return [ecvl.SequentialAugmentationContainer(chain)]


class Steps(torch.utils.data.Dataset[torch.Tensor]):
    """The OpenCV steps for torch's DataLoader.

    Args:
        paths: the files.
        workload: what to do.
    """

    def __init__(self, paths: list[str], workload: str) -> None:
        self.paths, self.workload = paths, workload

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, at: int) -> torch.Tensor:
        """Return one image, 3 x H x W."""
        cv2.setNumThreads(1)
        picture = torch.from_numpy(steps(self.paths[at], self.workload))
        return picture.permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)


def peers_of(workload: str, suffix: str) -> dict[str, Callable[[], list[torch.Tensor]]]:
    """Return name -> a call that loads an epoch and keeps its first batch."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    batch, threads = BATCH, len(os.sched_getaffinity(0))
    folder = made_once(f"pictures-{suffix}", lambda folder: make_files(folder, suffix))
    paths = [str(folder / f"{at}.{suffix}") for at in range(COUNT)]
    data = ecvl.DLDataset(folder / "set.yml", batch, augmentations(workload), num_workers=threads, queue_ratio_size=2)
    pool = ThreadPoolExecutor(threads)
    view = Steps(paths, workload)

    def ours() -> Iterator[torch.Tensor]:
        data.ResetBatch()
        data.Start()
        try:
            for _ in range(data.GetNumBatches()):
                yield data.GetBatch()[1].torch
        finally:
            data.Stop()

    def decode() -> Iterator[torch.Tensor]:
        for _ in pool.map(cv2.imread, paths):
            pass
        yield from ()

    def opencv() -> Iterator[torch.Tensor]:
        def fill(job: tuple[str, torch.Tensor]) -> None:
            job[1].copy_(torch.from_numpy(steps(job[0], workload)).permute(2, 0, 1))

        for first in range(0, len(paths), batch):
            part = paths[first : first + batch]
            x = torch.empty(len(part), 3, *data.resize_dims_)
            list(pool.map(fill, zip(part, x, strict=True)))
            yield x

    def loader() -> Iterator[torch.Tensor]:
        yield from torch.utils.data.DataLoader(view, batch_size=batch, num_workers=threads)

    ways = {"deephealth": ours, ALONE: decode, "OpenCV steps, threads": opencv, "torch DataLoader": loader}
    return {name: partial(_whole, batches) for name, batches in ways.items()}


def _whole(batches: Callable[[], Iterator[torch.Tensor]]) -> list[torch.Tensor]:
    kept: list[torch.Tensor] = []
    for batch in batches():
        kept = kept or [batch]
    return kept


def check(found: Mapping[str, list[torch.Tensor]]) -> str:
    """Compare the first batches; decoding alone has none."""
    for name, (batch, *_) in ((name, kept) for name, kept in found.items() if name != ALONE):
        assert torch.equal(batch, found["deephealth"][0]), f"the batches of {name} differ from ours"
    return "first batches equal"


def check_random(found: Mapping[str, list[torch.Tensor]]) -> str:
    """Compare the sizes only."""
    assert len({kept[0].shape for name, kept in found.items() if name != ALONE}) == 1
    return "random: sizes equal"


def row(workload: str, suffix: str) -> Row:
    """Return the row of one workload."""
    return Row(
        name=f"dldataset-{workload}",
        title=f"epoch of {COUNT} {suffix} pictures, {workload}",
        peers=lambda: peers_of(workload, suffix),
        check=check_random if workload == "train" else check,
        goals={ALONE: 0.95} if workload == "plain" else {},
        rounds=7,
        packages=("opencv-python-headless",),
    )


ROWS = [row("plain", "jpg"), row("resize", "jpg"), row("train", "png")]
