"""Small data sets on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

Maker = Callable[..., Path]


@pytest.fixture
def make_set(tmp_path: Path) -> Maker:
    """Return a function that lays out a data set of PNG pictures and returns its YAML file."""

    def make(
        count: int = 6,
        *,
        kind: str = "cls",
        size: tuple[int, int] = (8, 6),
        splits: dict[str, list[int]] | None = None,
        folder: str = "set",
    ) -> Path:
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        rng = np.random.default_rng(7)
        lines = ["name: toy"] + (["classes: [nv, mel]"] if kind == "cls" else []) + ["images:"]
        for at in range(count):
            cv2.imwrite(str(root / f"{at}.png"), rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
            label = ("nv", "mel")[at % 2]
            if kind == "seg":
                label = f"{at}_gt.png"
                cv2.imwrite(str(root / label), rng.integers(0, 2, (size[1], size[0]), dtype=np.uint8) * 255)
            lines.append(
                f"  - {{location: {at}.png}}" if kind == "none" else f"  - {{location: {at}.png, label: {label}}}"
            )
        lines.append("split:")
        lines += [f"  {name}: {indices}" for name, indices in (splits or {"training": list(range(count))}).items()]
        path = root / "toy.yml"
        path.write_text("\n".join(lines) + "\n")
        return path

    return make
