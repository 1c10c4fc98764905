"""A face is gone and the brain is whole, or the verdict says that it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from deephealth.lake.faces.check import check_face
from deephealth.lake.faces.defacer import DEFACERS, Defacer, deface, from_command
from deephealth.lake.faces.grid import to_grid
from deephealth.lake.faces.profile import find_profile
from deephealth.lake.faces.scene import Scene
from tests.lake.faces.heads import drawn

pytest.importorskip("SimpleITK")


@pytest.mark.parametrize("seed", [0, 7])
def test_face_gone_and_brain_whole(seed: int) -> None:
    head = drawn(seed)
    done = deface(head.voxels.T, head.affine, head.modality)
    mask = done.mask.T
    assert done.check.verdict == "ok"
    assert (mask & head.brain).sum() < 0.001 * head.brain.sum()
    assert (~mask & head.features).sum() < 0.05 * head.features.sum()
    assert done.voxels.dtype == head.voxels.dtype
    assert np.array_equal(done.voxels.T[~mask], head.voxels[~mask])


def test_an_image_without_a_change_has_a_face() -> None:
    head = drawn(3)
    assert check_face(Scene(head.voxels, head.affine, "MR"), head.voxels).verdict == "face-left"


def test_a_shell_taken_off_leaves_the_face() -> None:
    """The relief of the face shows through what was taken off evenly."""
    from scipy import ndimage

    head = drawn(3)
    scene = Scene(head.voxels, head.affine, "MR")
    inner = ndimage.binary_erosion(head.voxels > 0.1 * head.voxels.max(), iterations=8)
    spared = ndimage.binary_dilation(head.brain, iterations=3)
    after = np.where(inner | spared, head.voxels, 0)
    assert check_face(scene, after).verdict == "face-left"


def test_a_cut_brain_is_seen() -> None:
    head = drawn(3)
    scene = Scene(head.voxels, head.affine, "MR")
    done = deface(head.voxels.T, head.affine, "MR")
    after = done.voxels.T.copy()
    where = np.argwhere(head.brain)
    middle = tuple(where.mean(0).astype(int))
    after[tuple(slice(m - 12, m + 12) for m in middle)] = 0
    assert check_face(scene, after).verdict == "brain-cut"


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_a_thigh_is_not_a_head(modality: str) -> None:
    i, j, _ = np.meshgrid(np.arange(100), np.arange(100), np.arange(100), indexing="ij")
    thigh = np.where(np.hypot(i - 50, j - 50) < 35, 50, -1000 if modality == "CT" else 0).astype(np.int16)
    done = deface(thigh.T, np.diag([2.0, 2.0, 3.0, 1.0]), modality)
    assert done.check.verdict in ("not-a-head", "doubtful")
    assert not done.mask.any()


def test_a_head_that_was_defaced_before_is_not_touched_and_not_released() -> None:
    """Its step is seen, but the forehead over the cut is not told from a face: in doubt it goes to quarantine."""
    head = drawn(3)
    done = deface(head.voxels.T, head.affine, "MR")
    again = deface(done.voxels, head.affine, "MR")
    assert (again.method, again.check.verdict, again.check.face) == ("none", "doubtful", False)
    assert np.array_equal(again.voxels, done.voxels)


def test_a_head_that_is_said_to_look_the_other_way_is_not_released() -> None:
    """The back of the neck would be taken for the face."""
    head = drawn(3)
    mirrored = np.diag([1.0, -1.0, 1.0, 1.0]) @ head.affine
    assert deface(head.voxels.T, mirrored, "MR").check.verdict != "ok"


def test_a_bad_back_end_is_judged_like_every_other(monkeypatch: pytest.MonkeyPatch) -> None:
    head = drawn(3)
    lazy = Defacer(lambda modality: True, lambda scene: iter([np.zeros_like(scene.head)]), "")
    monkeypatch.setitem(DEFACERS._entries, "lazy", type(DEFACERS.entry("registration"))("lazy", lazy))
    assert deface(head.voxels.T, head.affine, "MR", method="lazy").check.verdict == "face-left"


_SCRIPT = """
import sys, nibabel, numpy as np
image = nibabel.load(sys.argv[1])
voxels = np.asarray(image.dataobj).copy()
mask = np.load(sys.argv[3])
voxels[mask] = 0
nibabel.save(nibabel.Nifti1Image(voxels, image.affine), sys.argv[2])
"""


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "ok"), (0.0, "face-left")])
def test_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, verdict: str) -> None:
    """A stand-in for a defacing tool: it knows what to take out, or takes out nothing."""
    pytest.importorskip("nibabel")
    head = drawn(3)
    known = deface(head.voxels.T, head.affine, "MR").mask.T
    np.save(tmp_path / "mask.npy", known & (share > 0))
    tool = from_command([sys.executable, "-c", _SCRIPT, "{in}", "{out}", str(tmp_path / "mask.npy")])
    assert tool.can("MR")
    monkeypatch.setitem(DEFACERS._entries, "tool", type(DEFACERS.entry("registration"))("tool", tool))
    done = deface(head.voxels.T, head.affine, "MR", method="tool")
    assert done.check.verdict == verdict
    assert ((known & (share > 0)) != done.mask.T).mean() < 0.01


def test_a_command_that_fails_releases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    head = drawn(3)
    tool = from_command([sys.executable, "-c", "raise SystemExit(1)"])
    monkeypatch.setitem(DEFACERS._entries, "tool", type(DEFACERS.entry("registration"))("tool", tool))
    done = deface(head.voxels.T, head.affine, "MR", method="tool")
    assert (done.method, done.check.verdict) == ("none", "face-left")
    assert not from_command(["no-such-program"]).can("MR")


def test_the_root_of_the_nose() -> None:
    """It was drawn 24 mm below and 88 mm before the origin of the drawing."""
    head = drawn(3)
    scene = Scene(head.voxels, head.affine, "MR")
    assert scene.profile is not None
    place = head.to_head @ scene.grid.affine @ [*scene.profile.root, 1.0]
    assert np.allclose(place[1:3], (88, -25), atol=8)
    assert find_profile(np.zeros((50, 50, 50), bool)) is None


def test_the_grid_keeps_places_in_all_orientations() -> None:
    import itertools

    values = np.zeros((20, 24, 28), np.float32)
    values[12:, 3:6, 20:23] = 100
    affine = np.diag([2.5, 2.5, 2.5, 1.0])
    want = to_grid(values, affine, "MR")
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            turned, place = values, affine
            for axis, flip in enumerate(flips):
                if flip:
                    mirror = np.eye(4)
                    mirror[axis, axis], mirror[axis, 3] = -1, values.shape[axis] - 1
                    turned, place = np.flip(turned, axis), place @ mirror
            got = to_grid(turned.transpose(order), place[:, [*order, 3]], "MR")
            assert np.array_equal(got.values, want.values)
            assert np.allclose(got.affine, want.affine)
