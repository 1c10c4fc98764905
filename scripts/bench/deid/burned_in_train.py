"""Trains the screen's network on generated pictures only: no patient's picture goes into its weights.

    python scripts/bench/deid/burned_in_train.py --minutes 12 --out deephealth/lake/pixels/screen.onnx

Pictures and texts are drawn anew for every step with seeds that the benchmark never uses; the target of a cell of 8 x 8
pixels is whether a line of writing with letters of 6 to 26 pixels runs through it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
import burned_in as scenes

from deephealth.lake.pixels.screen import normalised

CELL, SIDE = 8, 192
SEED = 10_000_000


def network() -> nn.Sequential:
    """Return the network: (B, 1, H, W) to (B, 1, H / 8, W / 8) logits; its first layer sees every pixel."""

    def apart(width: int) -> list[nn.Module]:
        return [
            nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, width, 1), nn.ReLU(inplace=True),
        ]  # fmt: skip

    return nn.Sequential(
        nn.Conv2d(1, 24, 6, stride=4, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(24, 32, 3, stride=2, padding=1), nn.ReLU(inplace=True),
        *apart(32), *apart(32), *apart(32), nn.Conv2d(32, 1, 1),
    )  # fmt: skip


def texture(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    """Return a picture without text: noise of several sizes, edges, vessels, hairs, dots, polygons, coarse pixels."""
    out = np.zeros(side, np.float32)
    slope = rng.uniform(0.3, 1.5)
    for size in (1.01, 2, 4, 8, 16, 32, 64):
        if rng.random() < 0.7:
            out += scenes._smooth(rng, side, size) * size**slope / 20
    out = (out - out.min()) / max(float(np.ptp(out)), 1e-6)
    if rng.random() < 0.35:
        out = np.abs(out - 0.5) * 2  # ridges, like vessels and folds
    if rng.random() < 0.3:
        levels = int(rng.integers(2, 7))
        out = cv2.GaussianBlur(np.floor(out * levels) / levels, (0, 0), rng.uniform(0.4, 2))
    out = out ** rng.uniform(0.5, 3)
    for _ in range(int(rng.integers(0, 40)) if rng.random() < 0.5 else 0):
        _thing(rng, out, side)
    if rng.random() < 0.25:
        factor = int(rng.integers(2, 6))
        small = cv2.resize(out, (side[1] // factor, side[0] // factor), interpolation=cv2.INTER_AREA)
        how = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
        out = cv2.resize(small, side[::-1], interpolation=how)
    if rng.random() < 0.4:
        out[scenes._smooth(rng, side, 120) < rng.uniform(-0.6, 0.3)] = 0.0  # air
    noise = rng.choice([0, 0, 0.01, 0.03, 0.06])
    return np.clip(out + rng.normal(0, 1, side) * noise, 0, 1).astype(np.float32)


def _thing(rng: np.random.Generator, out: np.ndarray, side: tuple[int, int]) -> None:
    tone, at = float(rng.uniform(0, 1)), rng.uniform(0, 1, 2) * side[::-1]
    kind, width = rng.integers(5), int(rng.integers(1, 5))
    if kind == 0:
        cv2.circle(out, (int(at[0]), int(at[1])), int(rng.integers(1, 14)), tone, rng.choice((1, 2, -1)), cv2.LINE_AA)
    elif kind == 1:
        walk = np.cumsum(np.cumsum(rng.normal(0, 0.5, (40, 2)), 0) * 0.3 + rng.normal(0, 3, 2), 0) + at
        cv2.polylines(out, [walk.astype(np.int32).reshape(-1, 1, 2)], False, tone, width, cv2.LINE_AA)
    elif kind == 2:
        to = at + rng.normal(0, 60, 2)
        cv2.line(out, (int(at[0]), int(at[1])), (int(to[0]), int(to[1])), tone, width, cv2.LINE_AA)
    elif kind == 3:
        points = (at + rng.normal(0, rng.uniform(4, 40), (int(rng.integers(3, 7)), 2))).astype(np.int32)
        cv2.fillPoly(out, [points.reshape(-1, 1, 2)], tone, cv2.LINE_AA)
    else:  # ticks of a scale, dashes, a row of dots: what is regular and no writing
        step, tall = int(rng.integers(4, 24)), int(rng.integers(1, 10))
        for number in range(rng.integers(3, 20)):
            x, y = int(at[0]) + number * step, int(at[1])
            cv2.rectangle(out, (x, y), (x + width - 1, y + tall), tone, -1)


def background(rng: np.random.Generator) -> np.ndarray:
    """Return a picture without text."""
    side = (256, 256)
    choice = rng.random()
    if choice < 0.6:
        return texture(rng, side)
    if choice < 0.65:
        return np.full(side, rng.uniform(0, 1), np.float32)
    kind = str(rng.choice(list(scenes._SYNTHETIC)))
    return np.clip(scenes._SYNTHETIC[kind](rng, side), 0, 1).astype(np.float32)


def example(number: int, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one normalised picture (SIDE, SIDE) and its targets per cell: 1 text, 0 none, -1 does not count."""
    rng = random.Random(SEED + number)
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    lines: list[scenes.Written] = []
    height = rng.choice((9, 10, 11, 12, 13, 14, 16, 18, 20, 22, 24, 28, 34))
    if rng.random() < 0.6:
        picture, _ = scenes._write(rng, picture, height)
        lines = scenes._write.lines  # type: ignore[attr-defined]
    if rng.random() < 0.15:
        packed = cv2.imencode(".jpg", np.round(picture * 255).astype(np.uint8), [1, rng.randint(50, 95)])[1]
        picture = cv2.imdecode(packed, 0).astype(np.float32) / 255
    high = rng.choice((255, 255, 1000, 4095))
    stored = np.round(picture * high).astype(np.uint8 if high == 255 else np.uint16)
    tall = height * 0.73
    weight = 1.0 if 6 <= tall <= 24 else -1.0
    target = np.zeros((256, 256), np.float32)
    for line in lines:
        grown = cv2.dilate(line.mask.astype(np.uint8), np.ones((3, max(3, int(tall * 0.7))), np.uint8)) > 0
        target[grown] = weight
    y, x = (rng.randint(0, (256 - SIDE) // CELL) * CELL for _ in "yx")
    window = np.s_[y : y + SIDE, x : x + SIDE]
    cells = target[window].reshape(SIDE // CELL, CELL, SIDE // CELL, CELL)
    share = np.abs(cells).mean((1, 3))
    label = np.where(share > 0.35, 1.0, np.where(share > 0.02, -1.0, 0.0))
    if weight < 0:
        label = np.where(share > 0, -1.0, label)
    out = normalised(stored)[window]
    if rng.random() < 0.5:
        out = -out
    turns = rng.choice((0, 0, 0, 1, 2, 3))
    return np.rot90(out, turns).copy(), np.rot90(label, turns).astype(np.float32)


class Examples(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Examples by number."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __len__(self) -> int:
        return 10_000_000

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        cv2.setNumThreads(1)
        seed = self.first + number
        picture = background(np.random.default_rng([SEED, seed]))
        pictures = [example(seed * 3 + k, picture) for k in range(3)]
        return torch.from_numpy(np.stack([p for p, _ in pictures])[:, None]), torch.from_numpy(
            np.stack([t for _, t in pictures])[:, None]
        )


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first example")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = network()
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    best = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-4)
    loader = iter(torch.utils.data.DataLoader(Examples(args.first), batch_size=16, num_workers=2, prefetch_factor=4))
    start, step, seen = time.monotonic(), 0, []
    while (done := (time.monotonic() - start) / (args.minutes * 60)) < 1:
        pictures, targets = (part.flatten(0, 1) for part in next(loader))
        for group in best.param_groups:
            group["lr"] = 3e-3 * min(1, step / 50) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-5
        logits = net(pictures)
        each = nn.functional.binary_cross_entropy_with_logits(logits, targets.clamp(min=0), reduction="none")
        each = each * (targets >= 0) * (1 + 2 * (targets > 0))
        loss = each.sum() / (targets >= 0).sum()
        best.zero_grad()
        loss.backward()
        best.step()
        seen.append(float(loss))
        step += 1
        if step % 100 == 0:
            print(step, f"{time.monotonic() - start:.0f}s", f"loss {np.mean(seen[-100:]):.4f}", flush=True)
            torch.save(net.state_dict(), args.out.with_suffix(".pt"))
    export(net, args.out)


def export(net: nn.Module, out: Path) -> None:
    """Write the network as ONNX."""
    net.eval()
    torch.onnx.export(
        net, (torch.zeros(1, 1, 64, 64),), str(out), input_names=["picture"], output_names=["logits"],
        dynamic_axes={"picture": {2: "height", 3: "width"}, "logits": {2: "rows", 3: "columns"}}, opset_version=17,
        dynamo=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
