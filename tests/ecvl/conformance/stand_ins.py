"""Files in the place of those that upstream's example programs download: small, generated, of the right kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import yaml

__all__ = ["STAND_INS"]


def photograph(folder: Path, name: str = "test.jpg", width: int = 400, height: int = 320) -> None:
    """A smooth background with two bright discs."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([60 + 40 * np.sin(x / 37), 70 + 40 * np.cos(y / 29), 80 + (x + y) / 12], axis=2)
    picture[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2] = (40, 180, 240)
    picture[(x - width / 1.4) ** 2 + (y - height / 2.5) ** 2 < (height / 9) ** 2] = (220, 220, 90)
    assert cv2.imwrite(str(folder / name), picture.clip(0, 255).astype(np.uint8))


def digits(folder: Path, name: str, training: int, test: int) -> None:
    """28 x 28 grey pictures in ten classes, and their YAML."""
    home = folder / "mnist"
    home.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    images = []
    for at in range(training + test):
        label = at % 10
        picture = rng.integers(0, 40, (28, 28), dtype=np.uint8)
        cv2.putText(picture, str(label), (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
        assert cv2.imwrite(str(home / f"{name}_{at}.png"), picture)
        images.append({"location": f"{name}_{at}.png", "label": str(label)})
    split = {"training": list(range(training)), "test": list(range(training, training + test))}
    content = {"name": name, "classes": [str(digit) for digit in range(10)], "images": images, "split": split}
    (home / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))


def trees(folder: Path) -> None:
    """The folders that the generators read."""
    for split in ("training", "validation", "test"):
        for kind in ("cat", "dog"):
            home = folder / "fake_classification_dataset" / split / kind
            home.mkdir(parents=True)
            for at in range(2):
                photograph(home, f"{kind}{at}.png", 24, 20)
        for part in ("images", "ground_truth"):
            (folder / "fake_segmentation_dataset" / split / part).mkdir(parents=True)
        home = folder / "fake_segmentation_dataset" / split
        for at in range(3):
            photograph(home / "images", f"img{at}.png", 24, 20)
        mask = np.zeros((20, 24), np.uint8)
        assert cv2.imwrite(str(home / "ground_truth" / "black.png"), mask)
        mask[5:10, 5:10] = 255
        assert cv2.imwrite(str(home / "ground_truth" / "img0_segmentation.png"), mask)


def volumes(folder: Path) -> None:
    """A NIfTI volume and a DICOM photograph."""
    import nibabel
    from pydicom.data import get_testdata_file

    (folder / "nifti").mkdir()
    (folder / "dicom").mkdir()
    values = np.arange(12 * 10 * 6, dtype=np.int16).reshape(12, 10, 6)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.0, 1.0, 2.5, 1.0])), folder / "nifti" / "LR_nifti.nii")
    source = get_testdata_file("examples_rgb_color.dcm", download=False) or get_testdata_file(
        "SC_rgb.dcm", download=False
    )
    (folder / "dicom" / "ISIC_0000008.dcm").write_bytes(Path(str(source)).read_bytes())


def slide(folder: Path) -> None:
    """A pyramid that says how many micrometres a pixel has."""
    import tifffile

    home = folder / "hamamatsu"
    home.mkdir()
    y, x = np.mgrid[:512, :512]
    full = np.stack([x // 2, y // 2, (x + y) // 4], axis=2).astype(np.uint8)
    how = {"tile": (128, 128), "photometric": "rgb", "metadata": None}
    note = "Aperio Image Library v1\n512x512 [0,0 512x512] (128x128) JPEG/RGB Q=90|AppMag = 20|MPP = 0.499"
    with tifffile.TiffWriter(home / "slide.svs") as stream:
        stream.write(full, description=note, compression="jpeg", **how)
        stream.write(full[::2, ::2], description=note, compression="jpeg", subfiletype=1, **how)


STAND_INS: dict[str, Callable[[Path], None]] = {
    "photograph": photograph,
    "second photograph": lambda folder: photograph(folder, "lena.png", 128, 128),
    "lesion photograph": lambda folder: photograph(folder, "example_ISIC_01.jpg"),
    "digits": lambda folder: digits(folder, "mnist", 80, 70),
    "fewer digits": lambda folder: digits(folder, "mnist_reduced", 60, 30),
    "trees": trees,
    "volumes": volumes,
    "slide": slide,
}
"""What an example needs -> what makes it in a folder."""
