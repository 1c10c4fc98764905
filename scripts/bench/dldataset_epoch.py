"""An epoch of ``DLDataset`` against decoding alone, against OpenCV steps on threads, and against torch's DataLoader.

    python scripts/bench/dldataset_epoch.py --count 2000 --threads 2 --workload plain
    python scripts/bench/dldataset_epoch.py --count 256 --format png --size 256 --workload train

Workloads: ``plain`` decodes and packs; ``resize`` resizes to 224 x 224 before; ``train`` resizes, mirrors, rotates and
converts to 0 to 1. All peers load the same files into batches of float32, N x 3 x H x W; where nothing is random,
their batches are checked to be equal first. Decoding alone has no batches: it is what no loader can beat by much.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from peers import interleave, machine, print_table, speedup, write_json

from deephealth import ecvl

SIZE = 224
DEGREES = 30


def make_files(folder: Path, count: int, size: int, suffix: str) -> list[str]:
    """Write noisy, smooth pictures that compress as photographs do, and the data set file."""
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (size, size, 3), dtype=np.uint8), (0, 0), 3)
    smooth = cv2.normalize(smooth, smooth, 0, 255, cv2.NORM_MINMAX).astype(np.int16)
    lines = ["classes: [a, b]", "images:"]
    paths = []
    for at in range(count):
        paths.append(str(folder / f"{at}.{suffix}"))
        noisy = np.roll(smooth, 17 * at, 0) + rng.integers(-8, 9, smooth.shape)
        cv2.imwrite(paths[-1], np.clip(noisy, 0, 255).astype(np.uint8))
        lines.append(f"  - {{location: {at}.{suffix}, label: {at % 2}}}")
    (folder / "set.yml").write_text("\n".join([*lines, "split:", f"  training: {list(range(count))}"]) + "\n")
    return paths


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


def peers_of(
    paths: list[str], file: Path, workload: str, batch: int, threads: int
) -> dict[str, Callable[[], Iterator[torch.Tensor]]]:
    """Return name -> a function that yields an epoch's batches."""
    data = ecvl.DLDataset(file, batch, augmentations(workload), num_workers=threads, queue_ratio_size=2)
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

    return {
        "deephealth DLDataset": ours,
        "decoding alone (cv2.imread, threads)": decode,
        "OpenCV steps, threads": opencv,
        "torch DataLoader, processes": loader,
    }


def check(peers: dict[str, Callable[[], Iterator[torch.Tensor]]]) -> None:
    """Compare the first batches of all peers.

    Raises:
        SystemExit: they differ.
    """
    first = {name: next(iter(batches()), None) for name, batches in peers.items() if "alone" not in name}
    wanted = first.pop("deephealth DLDataset")
    for name, found in first.items():
        if wanted is None or found is None or not torch.equal(wanted, found):
            raise SystemExit(f"the batches of {name} differ from ours")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=256, help="pictures")
    parser.add_argument("--size", type=int, default=512, help="their width and height")
    parser.add_argument("--format", choices=["jpg", "png"], default="jpg")
    parser.add_argument("--workload", choices=["plain", "resize", "train"], default="plain")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2, help="workers of every peer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", help="keep the raw figures in this file")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_files(folder, options.count, options.size, options.format)
        peers = peers_of(paths, folder / "set.yml", options.workload, options.batch, options.threads)
        if options.workload != "train":
            check(dict(peers))
        runs = {name: (lambda batches=batches: sum(1 for _ in batches())) for name, batches in peers.items()}
        found = interleave(runs, rounds=options.rounds, warmup=1)
    ours = found["deephealth DLDataset"]
    rows = []
    for peer, seconds in found.items():
        times = speedup(ours, seconds)
        middle = float(np.median(seconds))
        rows.append(
            [peer, middle * 1e3, options.count / middle, times["times"], f"{times['low']:.2f}-{times['high']:.2f}"]
        )
    print_table(rows, ["peer", "epoch, ms", "images/s", "ours is x times as fast", "95 %"])
    about = machine(["opencv-python-headless", "torch", "numpy"])
    print(about)
    write_json(options.json, {"options": vars(options), "seconds": found, "machine": about})


if __name__ == "__main__":
    main()
