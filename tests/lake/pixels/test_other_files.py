"""Writing in pictures, TIFF pages and volumes that are no DICOM objects: seen, and never let through."""

from __future__ import annotations

from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pytest
import tifffile

from deephealth.core.errors import QuarantineError
from deephealth.io.raster_write import write_raster
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.task import Task
from deephealth.lake.objects import ObjectCleaner
from deephealth.lake.pixels.other_files import check_pixels
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

pytest.importorskip("rapidocr")
KEY = bytes(range(32))
DOE = Identifiers(names=frozenset({"DOE^JANE"}))


def tissue(*shape: int, seed: int = 0) -> np.ndarray:
    """Smooth grey noise, as a scan without writing."""
    noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 9)
    return np.clip(90 + 35 * smooth / smooth.std(), 0, 200).astype(np.uint8)


def write_on(picture: np.ndarray) -> np.ndarray:
    """Put a name into a picture."""
    return cv2.putText(
        np.ascontiguousarray(picture), "DOE JANE 12.03.1961", (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2
    )


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_name_in_a_picture_is_seen(tmp_path: Path, suffix: str) -> None:
    kind = {".jpg": "jpeg"}.get(suffix, suffix[1:])
    for name, pixels, expected in (("a", tissue(256, 384), "kept"), ("b", write_on(tissue(256, 384)), "doubtful")):
        path = tmp_path / f"{name}{suffix}"
        write_raster(path, pixels)
        outcome = check_pixels(path, kind, DOE)
        assert (outcome.status, outcome.executed) == (expected, True)
        assert "DOE" not in outcome.reason


def test_a_name_in_deep_grey_and_in_the_alpha_channel_is_seen(tmp_path: Path) -> None:
    deep = write_on(tissue(256, 384)).astype(np.uint16) * 16
    write_raster(tmp_path / "deep.png", deep)
    assert check_pixels(tmp_path / "deep.png", "png", DOE).status == "doubtful"
    hidden = np.dstack([tissue(256, 384)] * 3 + [write_on(np.zeros((256, 384), np.uint8))])
    write_raster(tmp_path / "alpha.png", hidden)
    assert check_pixels(tmp_path / "alpha.png", "png", DOE).status == "doubtful"


def test_a_name_on_the_second_page_of_a_tiff_is_seen(tmp_path: Path) -> None:
    for name, second, expected in (
        ("a", tissue(256, 384, seed=1), "kept"),
        ("b", write_on(tissue(256, 384)), "doubtful"),
    ):
        with tifffile.TiffWriter(tmp_path / f"{name}.tif") as out:
            out.write(tissue(256, 384))
            out.write(second)
        assert check_pixels(tmp_path / f"{name}.tif", "tiff", DOE).status == expected


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_name_on_the_slices_of_a_volume_is_seen(tmp_path: Path, mirrored: bool) -> None:
    volume = np.stack([tissue(256, 384, seed=at) for at in range(6)], axis=2).astype(np.int16)
    for name, values in (("clean", volume), ("written", volume.copy())):
        if name == "written":
            for at in range(6):
                values[..., at] = write_on(values[..., at].astype(np.uint8))
            values = values[::-1] if mirrored else values
        nib.save(nib.Nifti1Image(np.ascontiguousarray(values), np.eye(4)), tmp_path / f"{name}.nii.gz")
    assert check_pixels(tmp_path / "clean.nii.gz", "nifti", DOE).status == "kept"
    assert check_pixels(tmp_path / "written.nii.gz", "nifti", DOE).status == "doubtful"


def test_a_picture_that_can_t_be_decoded_does_not_enter(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(QuarantineError) as caught:
        check_pixels(tmp_path / "a.png", "png", DOE)
    assert caught.value.reason == Reason.PIXELS_UNREADABLE


def test_a_worker_refuses_a_written_picture_and_says_what_it_looked_at(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.png", tissue(256, 384))
    write_raster(tmp_path / "b.png", write_on(tissue(256, 384)))
    cleaner = ObjectCleaner(Pseudonyms(KEY))
    task = Task(tmp_path / "a.png", "S", "MRN1", "", DOE, format="png")
    released = cleaner.clean(task, tmp_path / "out")
    assert released.facts is not None
    assert released.facts.pixels == "kept"
    assert Option.CLEAN_PIXEL.value in released.executed
    with pytest.raises(QuarantineError) as caught:
        cleaner.clean(Task(tmp_path / "b.png", "S", "MRN1", "", DOE, format="png"), tmp_path / "out2")
    assert caught.value.reason == Reason.BURNED_IN_TEXT
    unasked = ObjectCleaner(Pseudonyms(KEY), RESEARCH - {Option.CLEAN_PIXEL})
    released = unasked.clean(Task(tmp_path / "b.png", "S", "MRN1", "", DOE, format="png"), tmp_path / "out3")
    assert released.facts is not None
    assert released.facts.pixels == "unchecked"
    assert Option.CLEAN_PIXEL.value not in released.executed
