"""Structure sets: contours become masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path as Outline
from pydicom import Dataset
from pydicom.data import get_testdata_file

from deephealth.core.errors import DataError, DeepHealthError, LimitError, UnknownNameError, UnreadableFileError
from deephealth.io.dicom.contours import toggle_polygon
from deephealth.io.dicom.rtstruct import read_rtstruct, rtstruct_names
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume
from tests.io.dicom.phantoms import affine_for, circle, phantom, rtstruct, save_series

SHAPE = (6, 40, 32)


def inside(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return which pixel centres matplotlib finds inside a polygon."""
    j, i = np.mgrid[:height, :width]
    found = Outline(corners, closed=False).contains_points(np.stack([i.ravel(), j.ravel()], axis=1))
    return found.reshape(height, width)


class TestTogglePolygon:
    @pytest.mark.parametrize("shift", [(-90, 0), (90, 0), (0, -90), (0, 90)])
    def test_polygons_outside_the_plane_draw_nothing(self, shift: tuple[int, int]) -> None:
        plane = np.zeros((20, 16), bool)
        toggle_polygon(plane, circle((8, 9), 5) + np.array(shift))
        assert not plane.any()

    @given(hnp.arrays(np.float64, (3, 2), elements=st.floats(-10, 30)))
    def test_triangles_like_matplotlib(self, corners: np.ndarray) -> None:
        corners = np.round(corners, 2) + np.array(
            [0.0037, 0.0071]
        )  # off the pixel centres, where both conventions agree
        plane = np.zeros((20, 16), bool)
        toggle_polygon(plane, corners)
        assert np.array_equal(plane, inside(corners, 20, 16))

    def test_a_circle_has_its_area(self) -> None:
        plane = np.zeros((200, 200), bool)
        toggle_polygon(plane, circle((100, 100), 80, 720))
        assert plane.sum() == pytest.approx(np.pi * 80**2, rel=2e-3)

    def test_polygons_that_share_an_edge_share_no_pixel(self) -> None:
        left, right = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
        toggle_polygon(left, np.array([[1, 1], [4, 1], [4, 7], [1, 7.0]]))
        toggle_polygon(right, np.array([[4, 1], [7, 1], [7, 7], [4, 7.0]]))
        assert not (left & right).any()
        assert (left | right).sum() == 36

    def test_direction_does_not_matter(self) -> None:
        one, other = np.zeros((30, 30), bool), np.zeros((30, 30), bool)
        corners = circle((13.3, 14.1), 9.7, 13)
        toggle_polygon(one, corners)
        toggle_polygon(other, corners[::-1])
        assert np.array_equal(one, other)

    @given(st.floats(0.5, 6), st.floats(7, 14))
    def test_the_edges_of_a_keyhole_cancel(self, inner: float, outer: float) -> None:
        ring, hole = circle((16, 15), outer, 24), circle((16, 15), inner, 24)[::-1]
        keyhole = np.concatenate([ring, ring[:1], hole, hole[:1]])
        plane, expected = np.zeros((32, 32), bool), np.zeros((32, 32), bool)
        toggle_polygon(plane, keyhole)
        toggle_polygon(expected, ring)
        toggle_polygon(expected, hole)
        assert np.array_equal(plane, expected)

    def test_far_corners_cost_nothing(self) -> None:
        plane = np.zeros((8, 8), bool)
        toggle_polygon(plane, np.array([[-1e8, -1e8], [1e8, -1e8], [1e8, 1e8], [-1e8, 1e8]]))
        assert plane.all()


@pytest.mark.filterwarnings("ignore:::pydicom")
class TestReadRtstruct:
    @pytest.mark.parametrize("codes", ["LPS", "RAS", "ASL"])
    @pytest.mark.parametrize(
        "place", [{}, {"oblique": (12, -7, 20)}, {"tilt": 15.0}], ids=["plain", "oblique", "tilted"]
    )
    def test_masks_lie_where_the_contours_are(self, tmp_path, codes: str, place: dict) -> None:
        volume = phantom(codes, shape=SHAPE, **place)
        ball = [(k, circle((15.2, 20.1), 11 - abs(k - 2.5))) for k in (1, 2, 3)]
        rtstruct(tmp_path / "rt.dcm", volume, {"ball": ball, "spot": [(5, circle((6, 7), 3.3))]})
        masks = read_rtstruct(tmp_path / "rt.dcm", volume)
        assert list(masks) == ["ball", "spot"]
        for name, contours in {"ball": ball, "spot": [(5, circle((6, 7), 3.3))]}.items():
            expected = np.zeros(SHAPE, bool)
            for k, corners in contours:
                expected[k] = inside(corners, *SHAPE[1:])
            # the file holds ten digits: a centre that close to an edge may fall on either side
            assert np.count_nonzero(masks[name] != expected) <= 1
            assert masks[name].any()

    def test_a_file_of_other_software(self) -> None:
        affine = np.array([[-10, 0, 0, 200], [0, -10, 0, 150], [0, 0, 10, -200], [0, 0, 0, 1.0]])
        volume = Volume(np.zeros((4, 31, 41), np.int16), affine)
        path = get_testdata_file("rtstruct.dcm", download=False)
        masks = read_rtstruct(path, volume)
        assert list(masks) == ["patient", "Isocenter 1", "Isocenter 2"]
        assert masks["patient"].sum(axis=(1, 2)).tolist() == [30 * 40] * 3 + [0]
        assert not masks["Isocenter 1"].any()

    def test_an_inner_contour_is_a_hole(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"ring": [(2, circle((15.3, 20.2), 10)), (2, circle((15.3, 20.2), 4))]})
        ring = read_rtstruct(tmp_path / "rt.dcm", volume)["ring"]
        assert ring[2, 20, 8]
        assert not ring[2, 20, 15]
        assert np.array_equal(
            ring[2], inside(circle((15.3, 20.2), 10), 40, 32) & ~inside(circle((15.3, 20.2), 4), 40, 32)
        )

    def test_a_region_without_contours_is_empty(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)

        def edit(plan: Dataset) -> None:
            del plan.ROIContourSequence[1]

        rtstruct(tmp_path / "rt.dcm", volume, {"a": [], "b": [(1, circle((9, 9), 3))]}, edit=edit)
        masks = read_rtstruct(tmp_path / "rt.dcm", volume)
        assert masks["a"].shape == SHAPE
        assert not masks["a"].any()
        assert not masks["b"].any()

    def test_points_and_lines_enclose_nothing(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)

        def edit(plan: Dataset) -> None:
            plan.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "OPEN_PLANAR"

        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(1, circle((9, 9), 3))]}, edit=edit)
        assert not read_rtstruct(tmp_path / "rt.dcm", volume)["a"].any()

    def test_names_are_chosen_and_doubles_numbered(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)

        def edit(plan: Dataset) -> None:
            plan.StructureSetROISequence[1].ROIName = "a"

        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(1, circle((9, 9), 3))], "b": []}, edit=edit)
        assert rtstruct_names(tmp_path / "rt.dcm") == ["a", "a #2"]
        assert list(read_rtstruct(tmp_path / "rt.dcm", volume, names=["a #2"])) == ["a #2"]
        with pytest.raises(UnknownNameError, match="a #2"):
            read_rtstruct(tmp_path / "rt.dcm", volume, names=["a #3"])

    @pytest.mark.parametrize(
        ("k", "corners", "what"),
        [
            (-1, circle((9, 9), 3), "lies on slice -1"),
            (6, circle((9, 9), 3), "lies on slice 6"),
            (2, circle((1, 9), 3), "reaches from voxel"),
            (2.4, circle((9, 9), 3), "from the nearest slice"),
        ],
    )
    def test_contours_off_the_grid(self, tmp_path, k: float, corners: np.ndarray, what: str) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(k, corners)]})
        with pytest.raises(DataError, match=what):
            read_rtstruct(tmp_path / "rt.dcm", volume)

    def test_what_leaves_the_volume_can_be_cut(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(2, circle((1, 9), 3.2)), (-1, circle((9, 9), 3))]})
        mask = read_rtstruct(tmp_path / "rt.dcm", volume, outside="cut")["a"]
        assert np.array_equal(mask[2], inside(circle((1, 9), 3.2), 40, 32))
        assert np.flatnonzero(mask.any(axis=(1, 2))).tolist() == [2]

    def test_the_outer_border_of_the_volume_is_inside(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        border = np.array([[-0.5, -0.5], [31.5, -0.5], [31.5, 39.5], [-0.5, 39.5]])
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(0, border)]})
        assert read_rtstruct(tmp_path / "rt.dcm", volume)["a"][0].all()

    def test_rounded_heights_are_matched_and_oblique_contours_refused(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(2.1, circle((9, 9), 3))]})
        assert read_rtstruct(tmp_path / "rt.dcm", volume)["a"][2].any()
        turned = Volume(volume.data, affine_for(oblique=(30, 0, 0)))
        with pytest.raises(DataError, match="across the slices"):
            read_rtstruct(tmp_path / "rt.dcm", turned)

    def test_another_frame_of_reference(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [(2, circle((9, 9), 3))]})
        other = Volume(volume.data, volume.affine, {"FrameOfReferenceUID": "1.2.3"})
        with pytest.raises(DataError, match="frame of reference"):
            read_rtstruct(tmp_path / "rt.dcm", other)

    def test_limits_and_other_objects(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        rtstruct(tmp_path / "rt.dcm", volume, {"a": [], "b": []})
        with pytest.raises(LimitError):
            read_rtstruct(tmp_path / "rt.dcm", volume, limits=Limits(max_decoded_bytes=10_000))
        ct = save_series(tmp_path / "ct", volume)[0]
        with pytest.raises(UnreadableFileError, match="modality is 'CT'"):
            read_rtstruct(ct, volume)

    @given(seed=st.integers(0, 10**6))
    def test_damaged_files_give_typed_errors(self, tmp_path_factory, seed: int) -> None:
        folder = tmp_path_factory.mktemp("rt")
        volume = phantom(shape=SHAPE)
        path = rtstruct(folder / "rt.dcm", volume, {"a": [(2, circle((9, 9), 3, 6))], "b": [(1, circle((9, 9), 3, 6))]})
        content = bytearray(path.read_bytes())
        draw = np.random.default_rng(seed)
        for at in draw.integers(132, len(content), 6):
            content[at] = draw.integers(256)
        path.write_bytes(content[: draw.integers(200, 2 * len(content))])
        try:
            masks = read_rtstruct(path, volume)
        except DeepHealthError:
            return
        assert all(mask.shape == SHAPE for mask in masks.values())
