from __future__ import annotations

from pathlib import Path

import pytest

from deephealth.data.sample import DataIndex, Sample
from deephealth.io.raster import write_png
from deephealth.io.source import Source

CLASSES = ("mel", "nv")


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> DataIndex:
    """Thirty pictures of 12 x 16 pixels with masks, each of its own group; every third is a 'mel'."""
    import numpy as np

    root = tmp_path_factory.mktemp("pictures")
    samples = []
    for number in range(30):
        name, generator = f"s{number:02d}", np.random.default_rng(number)
        write_png(root / f"{name}.png", generator.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        write_png(root / f"{name}_mask.png", generator.integers(0, 2, (12, 16)).astype(bool))
        label = CLASSES[0] if number % 3 == 0 else CLASSES[1]
        picture, mask = Source(root / f"{name}.png"), Source(root / f"{name}_mask.png")
        samples.append(Sample(name, f"g{number}", picture, label, mask))
    return DataIndex(Path(root), "test", CLASSES, tuple(samples))
