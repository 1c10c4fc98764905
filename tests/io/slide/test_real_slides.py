from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deephealth.io.slide import open_slide

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.fixture
def samples(shared_data: Path) -> Path:
    folder = shared_data / "wsi-samples"
    if not folder.is_dir():
        pytest.skip("the sample slides are not here")
    return folder


def test_aperio_is_openslides_down_to_the_label(samples: Path) -> None:
    path = samples / "CMU-1-Small-Region.svs"
    with open_slide(path) as ours, open_slide(path, backend="openslide") as theirs:
        assert type(ours.reader).__name__ == "TiledTiff"
        assert ours.levels == theirs.levels
        assert ours.mpp == theirs.mpp == (0.499, 0.499)
        whole = (0, -10, -20, 2300, 3000)
        np.testing.assert_array_equal(ours.read_region(*whole), theirs.read_region(*whole))
        assert list(ours.associated) == list(theirs.associated) == ["label", "macro", "thumbnail"]
        for name in ours.associated:
            np.testing.assert_array_equal(ours.associated_image(name), theirs.associated_image(name))
        assert set(ours.properties) <= set(theirs.properties)
        assert 0.2 < ours.tissue_mask(mpp=4).mean() < 0.6


def test_dicom_is_openslides(samples: Path) -> None:
    path = samples / "cptac_brca_level_wsi.dcm"
    with open_slide(path) as ours, open_slide(path, backend="openslide") as theirs:
        assert type(ours.reader).__name__ == "DicomSlide"
        assert ours.levels == theirs.levels
        assert ours.mpp == pytest.approx(theirs.mpp)
        np.testing.assert_array_equal(
            ours.read_region(0, 0, 0, *ours.dimensions), theirs.read_region(0, 0, 0, *theirs.dimensions)
        )


def test_a_dicom_slide_that_openslide_refuses_has_no_seams(samples: Path) -> None:
    """It says neither how its tiles are organised nor which way its frames run: they run down the columns."""
    with open_slide(samples / "tcga_prad_level_wsi.dcm") as slide:
        assert slide.dimensions == (3236, 2638)
        shown = slide.read_region(0, 0, 0, 3236, 2638).astype(np.int16)
        for axis, size in ((0, 2638), (1, 3236)):
            steps = np.abs(np.diff(shown, axis=axis)).mean(axis=(1 - axis, 2))
            seams = [steps[at - 1] for at in range(500, size, 500)]
            assert max(seams) < 2 * np.median(steps)
        assert 0.25 < slide.tissue_mask(mpp=20).mean() < 0.55
