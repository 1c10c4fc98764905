"""Segmentations: what is written lies on the images, in our reader and in highdicom's."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from deephealth.core.errors import DataError, DeepHealthError, LimitError, UnknownNameError, UnreadableFileError
from deephealth.io.dicom.segment import Segment
from deephealth.io.dicom.segmentation import read_segmentation, write_segmentation
from deephealth.io.dicom.writing import Code
from deephealth.io.geometry import lps_to_ras
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume
from tests.io.dicom.phantoms import enhanced, phantom, save, save_series, slices_of

pytest.importorskip("highdicom")

SHAPE = (9, 11, 13)
LIVER = Segment("liver", "AnatomicalStructure", "Liver", colour=(200, 30, 60))
LESION = Segment("lesion", "MorphologicallyAbnormalStructure", "Neoplasm", tracking_id="L1", tracking_uid="2.25.7")
PLACES = {"plain": {}, "oblique": {"oblique": (12, -7, 20)}, "tilted": {"tilt": 15.0}}


def label_map() -> np.ndarray:
    """Return two structures that do not touch, with empty slices between them."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:4, 3:6, 2:8] = 1
    labels[7, 1:3, 9:12] = 2
    return labels


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, Volume]:
    """A segmentation of a plain series."""
    volume = phantom(shape=SHAPE)
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    write_segmentation(path, volume.with_data(label_map()), slices_of(volume), [LIVER, LESION])
    return path, volume


class TestRoundTrip:
    @pytest.mark.parametrize("codes", ["LPS", "RAS", "ASL"])
    @pytest.mark.parametrize("place", PLACES)
    def test_labels(self, tmp_path, codes: str, place: str) -> None:
        volume = phantom(codes, shape=SHAPE, **PLACES[place])
        save_series(tmp_path / "ct", volume)
        write_segmentation(tmp_path / "seg.dcm", volume.with_data(label_map()), tmp_path / "ct", [LIVER, LESION])
        found = read_segmentation(tmp_path / "seg.dcm", like=volume)
        assert found.kind == "labels"
        assert np.array_equal(found.volume.data, label_map())
        assert np.array_equal(found.volume.affine, volume.affine)
        alone = read_segmentation(tmp_path / "seg.dcm").volume.reorient(volume.orientation)
        assert np.array_equal(alone.data, label_map()[2:8])
        assert np.abs(alone.affine[:3, :3] - volume.affine[:3, :3]).max() < 1e-6
        assert np.abs(alone.affine[:3, 3] - (volume.affine @ [0, 0, 2, 1])[:3]).max() < 1e-6

    def test_overlapping_segments_become_channels(self, tmp_path, written) -> None:
        _, volume = written
        masks = np.zeros((2, *SHAPE), bool)
        masks[0, 2:5, 2:6, 2:6] = masks[1, 4:6, 4:8, 4:8] = True
        write_segmentation(tmp_path / "a.dcm", volume.with_data(masks), slices_of(volume), [LIVER, LESION])
        found = read_segmentation(tmp_path / "a.dcm", like=volume)
        assert (found.kind, found.labels) == ("masks", ("liver", "lesion"))
        assert np.array_equal(found.volume.data, masks)
        assert np.array_equal(found.mask("lesion"), masks[1])
        assert np.array_equal(found.mask(1), masks[0])

    def test_fractions(self, tmp_path, written) -> None:
        _, volume = written
        chances = np.random.default_rng(0).random((2, *SHAPE), np.float32)
        chances[1, :4] = 0
        write_segmentation(tmp_path / "a.dcm", volume.with_data(chances), slices_of(volume), [LIVER, LESION])
        found = read_segmentation(tmp_path / "a.dcm", like=volume)
        assert (found.kind, found.volume.data.dtype) == ("fractions", np.float32)
        assert np.abs(found.volume.data - chances).max() <= 0.5001 / 255

    def test_a_label_map_keeps_its_numbers(self, tmp_path, written) -> None:
        _, volume = written
        segments = [replace(LIVER, number=5), replace(LESION, number=300)]
        labels = np.array([0, 5, 300], np.int32)[label_map()]
        write_segmentation(
            tmp_path / "a.dcm", volume.with_data(labels), slices_of(volume), segments, storage="labelmap"
        )
        found = read_segmentation(tmp_path / "a.dcm", like=volume)
        assert found.volume.data.dtype == np.uint16
        assert np.array_equal(found.volume.data, labels)
        assert [segment.number for segment in found.segments] == [5, 300]

    def test_binary_numbers_its_segments_from_1(self, tmp_path, written) -> None:
        _, volume = written
        labels = np.array([0, 7, 4], np.uint8)[label_map()]
        segments = [replace(LIVER, number=7), replace(LESION, number=4)]
        write_segmentation(tmp_path / "a.dcm", volume.with_data(labels), slices_of(volume), segments)
        found = read_segmentation(tmp_path / "a.dcm", like=volume)
        assert np.array_equal(found.volume.data, label_map())
        assert found.labels == ("liver", "lesion")

    def test_descriptions(self, written) -> None:
        liver, lesion = read_segmentation(written[0]).segments
        assert (liver.label, liver.type, liver.colour) == ("liver", Code("10200004", "SCT", "Liver"), (200, 30, 60))
        assert (lesion.tracking_id, lesion.tracking_uid, lesion.number) == ("L1", "2.25.7", 2)
        assert (lesion.algorithm, lesion.algorithm_name) == ("AUTOMATIC", "deephealth")

    def test_the_frames_refer_to_their_images(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE, oblique=(3, 4, 5))
        images = slices_of(volume)
        write_segmentation(tmp_path / "a.dcm", volume.with_data(label_map()), images, [LIVER, LESION])
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        assert dataset.FrameOfReferenceUID == images[0].FrameOfReferenceUID
        assert (dataset.PatientID, dataset.StudyInstanceUID) == ("P1", images[0].StudyInstanceUID)
        named = {
            float(frame.PlanePositionSequence[0].ImagePositionPatient[2]): source.ReferencedSOPInstanceUID
            for frame in dataset.PerFrameFunctionalGroupsSequence
            for source in frame.DerivationImageSequence[0].SourceImageSequence
        }
        assert named == {float(images[k].ImagePositionPatient[2]): images[k].SOPInstanceUID for k in (2, 3, 7)}
        assert read_segmentation(tmp_path / "a.dcm").series_uid == images[0].SeriesInstanceUID

    def test_highdicom_finds_the_same_volume(self, written) -> None:
        import highdicom

        path, volume = written
        theirs = highdicom.seg.segread(path).get_volume(combine_segments=True)
        found = Volume(theirs.array, lps_to_ras(theirs.affine[:, [2, 1, 0, 3]])).reorient(volume.orientation)
        assert np.array_equal(found.data, label_map()[2:8])
        assert np.abs(found.origin - (volume.affine @ [0, 0, 2, 1])[:3]).max() < 1e-6

    def test_on_enhanced_multi_frame_images(self, tmp_path) -> None:
        volume = phantom(shape=SHAPE)
        enhanced(volume, tmp_path / "ct.dcm")
        write_segmentation(tmp_path / "a.dcm", volume.with_data(label_map()), tmp_path / "ct.dcm", [LIVER, LESION])
        assert np.array_equal(read_segmentation(tmp_path / "a.dcm", like=volume).volume.data, label_map())

    def test_a_picture_without_a_place(self, tmp_path) -> None:
        volume = phantom(shape=(1, 11, 13))

        def edit(image: pydicom.Dataset, k: int) -> None:
            for keyword in ("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
                delattr(image, keyword)
            image.SOPClassUID, image.Modality = "1.2.840.10008.5.1.4.1.1.7", "OT"

        mask = label_map()[2:3] > 0
        write_segmentation(tmp_path / "a.dcm", volume.with_data(mask), slices_of(volume, edit=edit), [LIVER])
        assert np.array_equal(read_segmentation(tmp_path / "a.dcm").volume.data, mask)
        with pytest.raises(DataError, match="without a place"):
            read_segmentation(tmp_path / "a.dcm", like=phantom(shape=SHAPE))

    @pytest.mark.parametrize("storage", ["fractional", "labelmap"])
    def test_compressed(self, tmp_path, written, storage: str) -> None:
        _, volume = written
        masks = (
            label_map() if storage == "labelmap" else np.stack([label_map() == 1, label_map() == 2]) * np.float32(0.4)
        )
        path = tmp_path / "a.dcm"
        write_segmentation(path, volume.with_data(masks), slices_of(volume), [LIVER, LESION], storage=storage)
        plain = read_segmentation(path, like=volume)
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless, encoding_plugin="pydicom")  # GDCM's encoder aborts on small frames
        dataset.save_as(path)
        found = read_segmentation(path, like=volume)
        assert found.kind == plain.kind
        assert np.array_equal(found.volume.data, plain.volume.data)

    @pytest.mark.parametrize("name", ["liver_1frame.dcm", "liver_expb_1frame.dcm"])
    def test_a_file_of_other_software_in_either_byte_order(self, name: str) -> None:
        path = get_testdata_file(name, download=False)
        found = read_segmentation(path)
        assert (found.kind, found.labels, found.volume.shape) == ("labels", ("Liver",), (1, 512, 512))
        assert np.array_equal(found.volume.data[0], pydicom.dcmread(path).pixel_array)
        assert found.segments[0].type.meaning == "Liver"


class TestGrids:
    def test_a_reversed_and_larger_grid(self, written) -> None:
        path, volume = written
        turned = volume.reorient("RAI")
        found = read_segmentation(path, like=turned)
        expected = volume.with_data(label_map()).reorient("RAI")
        assert np.array_equal(found.volume.data, expected.data)
        wide = Volume(np.zeros((20, 30, 40)), volume.affine @ np.array(_shift(-3, -4, -5)))
        again = read_segmentation(path, like=wide).volume.data
        assert np.array_equal(again[5:14, 4:15, 3:16], label_map())
        assert np.count_nonzero(again) == np.count_nonzero(label_map())

    def test_swapped_axes(self, written) -> None:
        path, volume = written
        expected = volume.with_data(label_map()).reorient("SRP")
        found = read_segmentation(path, like=volume.reorient("SRP"))
        assert np.array_equal(found.volume.data, expected.data)

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            (np.diag([2.0, 1, 1, 1]), "another size"),
            (np.array([[1, 0, 0, 0.4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "between the voxels"),
            (np.array([[1, 0, 0, 4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "outside the volume"),
            (np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1.0]]), "outside the volume"),
        ],
    )
    def test_another_grid_is_refused(self, written, change: np.ndarray, what: str) -> None:
        path, volume = written
        with pytest.raises(DataError, match=what):
            read_segmentation(path, like=Volume(volume.data, volume.affine @ change))

    def test_uneven_frames_need_the_volume(self, tmp_path, written) -> None:
        dataset = pydicom.dcmread(written[0])
        frame = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
        frame.ImagePositionPatient[2] += 0.8
        dataset.save_as(tmp_path / "a.dcm")
        with pytest.raises(DataError, match="no even grid"):
            read_segmentation(tmp_path / "a.dcm")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("data", "segments", "what"),
        [
            (np.full(SHAPE, 3, np.uint8), [LIVER, LESION], "no segment describes"),
            (np.zeros(SHAPE, np.float32), [LIVER], "label map of float32"),
            (np.zeros((3, *SHAPE), bool), [LIVER, LESION], "3 masks and 2 segments"),
            (np.full((1, *SHAPE), 1.5, np.float32), [LIVER], "from 1.5 to 1.5"),
            (np.zeros(SHAPE, np.uint8), [], "numbers"),
            (np.zeros(SHAPE, np.uint8), [replace(LIVER, number=2), replace(LESION, number=2)], "each number once"),
        ],
    )
    def test_masks(self, tmp_path, data: np.ndarray, segments: list[Segment], what: str) -> None:
        volume = phantom(shape=SHAPE)
        with pytest.raises(DataError, match=what):
            write_segmentation(tmp_path / "a.dcm", Volume(data, volume.affine), slices_of(volume), segments)
        assert list(tmp_path.iterdir()) == []

    def test_segments(self) -> None:
        with pytest.raises(DataError, match="label"):
            Segment("")
        with pytest.raises(UnknownNameError, match="AUTOMATIC"):
            Segment("a", algorithm="MAGIC")
        with pytest.raises(DataError, match="tracking"):
            Segment("a", tracking_id="x")

    def test_other_files(self, tmp_path, written) -> None:
        path, volume = written
        ct = save_series(tmp_path, volume)[0]
        with pytest.raises(UnreadableFileError, match="no segmentation"):
            read_segmentation(ct)
        with pytest.raises(LimitError):
            read_segmentation(path, limits=Limits(max_decoded_bytes=100))
        with pytest.raises(UnknownNameError, match="liver"):
            read_segmentation(path).mask("livr")

    @pytest.mark.parametrize(
        ("keyword", "value"),
        [("NumberOfFrames", 70000), ("Rows", 65535), ("Columns", 0), ("BitsAllocated", 32), ("SegmentationType", "X")],
    )
    def test_headers_that_lie(self, tmp_path, written, keyword: str, value: object) -> None:
        dataset = pydicom.dcmread(written[0])
        setattr(dataset, keyword, value)
        dataset.save_as(tmp_path / "a.dcm")
        with pytest.raises((UnreadableFileError, LimitError)):
            read_segmentation(tmp_path / "a.dcm")

    def test_frames_that_are_far_apart(self, tmp_path, written) -> None:
        dataset = pydicom.dcmread(written[0])
        dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0].ImagePositionPatient[2] = 2.5e6
        dataset.save_as(tmp_path / "a.dcm")
        with pytest.raises(LimitError, match="slices"):
            read_segmentation(tmp_path / "a.dcm")

    @settings(max_examples=80)
    @given(seed=st.integers(0, 10**6))
    @pytest.mark.filterwarnings("ignore:::pydicom")
    def test_damaged_files_give_typed_errors(self, tmp_path_factory, written, seed: int) -> None:
        content = bytearray(written[0].read_bytes())
        draw = np.random.default_rng(seed)
        for at in draw.integers(132, len(content), 6):
            content[at] = draw.integers(256)
        path = tmp_path_factory.mktemp("bad") / "a.dcm"
        path.write_bytes(content[: draw.integers(200, 2 * len(content))])
        with contextlib.suppress(DeepHealthError):
            assert read_segmentation(path).volume.data.size < 10**8


def test_pixels_of_frames_may_start_inside_a_byte(tmp_path) -> None:
    volume = phantom(shape=(5, 3, 3))
    mask = np.random.default_rng(1).random(volume.shape) > 0.4
    write_segmentation(tmp_path / "a.dcm", volume.with_data(mask), slices_of(volume), [LIVER])
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert len(dataset.PixelData) == 6
    assert np.array_equal(read_segmentation(tmp_path / "a.dcm", like=volume).volume.data, mask)
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert save(dataset, tmp_path / "b.dcm").exists()


def _shift(i: int, j: int, k: int) -> list[list[float]]:
    return [[1, 0, 0, i], [0, 1, 0, j], [0, 0, 1, k], [0, 0, 0, 1]]
