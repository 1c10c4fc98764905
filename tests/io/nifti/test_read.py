"""Reading NIfTI: what nibabel reads, in the package's own order, for every header that can be made."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.limits import Limits
from deephealth.io.nifti import read_nifti, read_nifti_header, write_nifti

NIBABEL_DATA = Path(nib.__file__).parent / "tests" / "data"
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c8", "c16"]


def by_nibabel(path: Path) -> tuple[np.ndarray, np.ndarray]:
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = None, **header: object) -> Path:
    version = header.pop("version", 1)
    order = header.pop("order", "<")
    kind = {1: nib.Nifti1Image, 2: nib.Nifti2Image}[version]
    blank = kind.header_class(endianness=order)
    blank.set_data_dtype(data.dtype)
    image = kind(data, affine, blank)
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


@given(
    data=st.sampled_from(TYPES).flatmap(
        lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=3, max_dims=5, max_side=4))
    ),
    version=st.sampled_from([1, 2]),
    order=st.sampled_from("<>"),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
)
def test_values_and_place_are_nibabels(tmp_path_factory, data, version, order, suffix) -> None:
    path = tmp_path_factory.mktemp("n") / f"a{suffix}"
    save(path, data, np.diag([2.0, 3.0, 4.0, 1.0]), version=version, order=order)
    right, affine = by_nibabel(path)
    volume = read_nifti(path)
    assert volume.data.dtype == right.dtype.newbyteorder("=")
    assert volume.data.flags.c_contiguous
    np.testing.assert_array_equal(volume.data.reshape(right.T.shape), right.T)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-12)
    assert read_nifti_header(path).version == version


@given(
    quaternion=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(x * x for x in q) > 0.1),
    sizes=st.tuples(*[st.floats(0.1, 9)] * 3),
    qfac=st.sampled_from([1, -1, 0, 3]),
    codes=st.tuples(st.sampled_from([0, 1, 3, 9]), st.sampled_from([0, 2, 4, 77])),
    shift=st.tuples(*[st.floats(-500, 500, width=32)] * 3),
)
def test_affine_is_nibabels(tmp_path_factory, quaternion, sizes, qfac, codes, shift) -> None:
    path = tmp_path_factory.mktemp("n") / "a.nii"
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.uint8), None)
    header = image.header
    unit = np.array(quaternion) / np.linalg.norm(quaternion)
    unit *= np.sign(unit[0]) or 1
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = unit[1:]
    header["pixdim"][:4] = (qfac, *sizes)
    header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = shift
    header["srow_x"], header["srow_y"], header["srow_z"] = [9, 1, 0, 5], [-1, 7, 0, 6], [0, 0, 3, shift[0]]
    raw = bytearray(image.to_bytes())
    raw[:348] = header.structarr.tobytes()
    raw[252:256] = np.array(codes, "<i2").tobytes()
    path.write_bytes(raw)
    np.testing.assert_allclose(read_nifti(path).affine, nib.load(path).affine, atol=1e-9)


@pytest.mark.parametrize("name", ["anatomical.nii", "example4d.nii.gz", "example_nifti2.nii.gz", "functional.nii"])
def test_files_that_nibabel_ships(name: str) -> None:
    path = NIBABEL_DATA / name
    if not path.exists():
        pytest.skip("this nibabel ships no test files")
    right, affine = by_nibabel(path)
    volume = read_nifti(path)
    np.testing.assert_allclose(volume.data, right.T, rtol=1e-6)
    np.testing.assert_allclose(volume.affine, affine)


@pytest.mark.parametrize(
    ("stored", "slope", "inter", "expected"),
    [
        ("i2", 1.0, 0.0, "i2"),
        ("i2", 0.0, 7.0, "i2"),
        ("i2", np.nan, 7.0, "i2"),
        ("i2", 2.5, -1024.0, "f4"),
        ("u1", 1.0, 3.0, "f4"),
        ("i4", 0.1, 0.0, "f8"),
        ("f4", 3.0, 1.0, "f4"),
        ("f8", 3.0, 1.0, "f8"),
        ("c8", 2.0, 1.0, "c8"),
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_slope_and_intercept(tmp_path: Path, stored: str, slope: float, inter: float, expected: str, order) -> None:
    data = (np.arange(60).reshape(3, 4, 5) * 3).astype(stored)
    path = save(tmp_path / "a.nii", data, np.eye(4), order=order)
    path.write_bytes(changed(path.read_bytes(), 112, [slope, inter], f"{order}f4"))
    volume = read_nifti(path)
    assert volume.data.dtype == np.dtype(expected)
    np.testing.assert_allclose(volume.data, by_nibabel(path)[0].T, rtol=1e-6)
    as_stored = read_nifti(path, scaled=False)
    assert as_stored.data.dtype == np.dtype(stored)
    np.testing.assert_array_equal(as_stored.data, data.T)
    assert volume.meta["scaled"] == (volume.data.dtype != np.dtype(stored) or stored[0] in "fc")
    assert not as_stored.meta["scaled"]


@pytest.mark.parametrize(("code", "colour", "count"), [(128, "RGB", 3), (2304, "RGBA", 4)])
def test_colours_come_first(tmp_path: Path, code: int, colour: str, count: int) -> None:
    values = np.random.default_rng(0).integers(0, 255, (5, 4, 3, count), dtype=np.uint8)
    record = values.view([(letter, "u1") for letter in colour])[..., 0]
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(record, np.eye(4)), path)
    volume = read_nifti(path)
    assert volume.meta["colour"] == colour
    assert volume.meta["datatype"] == code
    np.testing.assert_array_equal(volume.data, values.transpose(3, 2, 1, 0))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6,), (1, 1, 6)),
        ((6, 5), (1, 5, 6)),
        ((6, 5, 4), (4, 5, 6)),
        ((6, 5, 4, 1), (4, 5, 6)),
        ((6, 5, 1, 3), (3, 1, 5, 6)),
        ((6, 5, 4, 1, 3), (3, 4, 5, 6)),
        ((6, 5, 4, 2, 3), (6, 4, 5, 6)),
    ],
)
def test_axes(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape, order="F")
    volume = read_nifti(save(tmp_path / "a.nii", data, np.eye(4)))
    assert volume.shape == expected
    np.testing.assert_array_equal(volume.data.ravel(), data.ravel(order="F"))
    assert volume.meta["dim"][: len(shape) + 1] == (len(shape), *shape)


@pytest.mark.parametrize(("unit", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001), (10, 1), (11, 0.001)])
def test_lengths_become_millimetres(tmp_path: Path, unit: int, factor: float) -> None:
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16), np.diag([2.0, 3.0, 4.0, 1.0]), xyzt_units=unit)
    assert read_nifti(path).spacing == pytest.approx((2 * factor, 3 * factor, 4 * factor))


def test_orientation(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 99, (5, 4, 3)).astype(np.int16)
    affine = np.array([[0, 0, -2.0, 10], [-3, 0, 0, 20], [0, 4, 0, 30], [0, 0, 0, 1]])
    path = save(tmp_path / "a.nii.gz", data, affine)
    volume = read_nifti(path, orientation="RAS")
    canonical = nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(volume.data, np.asanyarray(canonical.dataobj).T)
    np.testing.assert_allclose(volume.affine, canonical.affine)
    assert volume.data.flags.c_contiguous
    with pytest.raises(DataError, match="XYZ"):
        read_nifti(path, orientation="XYZ")


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("version", [1, 2])
def test_pairs_by_either_name(tmp_path: Path, packed: str, version: int) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    kind = {1: nib.Nifti1Pair, 2: nib.Nifti2Pair}[version]
    nib.save(kind(data, np.diag([1.0, 2, 3, 1])), tmp_path / f"a.img{packed}")
    for name in (f"a.hdr{packed}", f"a.img{packed}"):
        volume = read_nifti(tmp_path / name)
        np.testing.assert_array_equal(volume.data, data.T)
        assert volume.spacing == (1, 2, 3)
    (tmp_path / f"a.img{packed}").unlink()
    with pytest.raises(MissingDataError, match="other half"):
        read_nifti(tmp_path / f"a.hdr{packed}")


def test_the_other_half_may_not_lie_elsewhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    nib.save(nib.Nifti1Pair(np.zeros((2, 3, 4), np.int16), np.eye(4)), tmp_path / "a.img")
    shutil.copy(tmp_path / "a.hdr", inside / "a.hdr")
    (inside / "a.img").symlink_to(tmp_path / "a.img")
    with pytest.raises(DataError, match="outside"):
        read_nifti(inside / "a.hdr")


def test_mapped_memory_does_not_change_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    volume = read_nifti(path, mmap=True)
    assert isinstance(volume.data.base, np.memmap) or isinstance(volume.data, np.memmap)
    volume.data[:] = 0
    assert read_nifti(path).data.max() == 23


def test_compression_is_seen_from_content(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    shutil.copy(path, tmp_path / "b.nii")
    assert read_nifti(tmp_path / "b.nii").data.max() == 23
    (tmp_path / "c.nii.gz").write_bytes(gzip.decompress(path.read_bytes()))
    assert read_nifti(tmp_path / "c.nii.gz").data.max() == 23


def test_extensions(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"a comment"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(4, b"<xml/>" * 200))
    for name in ("a.nii", "a.nii.gz"):
        nib.save(image, tmp_path / name)
        found = read_nifti(tmp_path / name).meta["extensions"]
        assert [(code, content.rstrip(b"\0")) for code, content in found] == [(6, b"a comment"), (4, b"<xml/>" * 200)]


def changed(raw: bytes, at: int, value: object, kind: str) -> bytes:
    put = np.array(value, kind).tobytes()
    return raw[:at] + put + raw[at + len(put) :]


@pytest.mark.parametrize(
    ("at", "value", "kind", "error", "says"),
    [
        (42, [32767] * 3, "<i2", LimitError, "claims 32767 x 32767 x 32767"),
        (42, -3, "<i2", LimitError, "claims the shape"),
        (42, 0, "<i2", LimitError, "claims the shape"),
        (42, 100, "<i2", LimitError, "holds"),
        (40, 9, "<i2", UnreadableFileError, "9 axes"),
        (70, 1, "<i2", UnreadableFileError, "of the type 1"),
        (70, 999, "<i2", UnreadableFileError, "of the type 999"),
        (108, np.nan, "<f4", UnreadableFileError, "begin at byte"),
        (108, 12.0, "<f4", UnreadableFileError, "begin at byte 12"),
        (108, 1e18, "<f4", LimitError, "begin at byte"),
        (280, [np.nan] * 4, "<f4", DataError, "not finite"),
        (280, [0] * 12, "<f4", DataError, "spacing"),
        (344, b"abc", "S3", UnreadableFileError, "not a NIfTI"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_headers_that_lie(tmp_path: Path, at: int, value, kind: str, error: type, says: str, packed: bool) -> None:
    raw = changed(nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)).to_bytes(), at, value, kind)
    path = tmp_path / "a.nii"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    with pytest.raises(error, match=says):
        read_nifti(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError):
        read_nifti(tmp_path / "no.nii")
    with pytest.raises(UnreadableFileError):
        read_nifti(tmp_path)
    for content in (b"", b"\x1f\x8b", b"PNG" * 200, b"\x5c\x01\0\0" + bytes(344)):
        (tmp_path / "a.nii").write_bytes(content)
        with pytest.raises(UnreadableFileError):
            read_nifti(tmp_path / "a.nii")


def test_limits(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.zeros((20, 30, 40), np.int16), np.eye(4))
    assert read_nifti(path, limits=Limits(max_decoded_bytes=48_000)).shape == (40, 30, 20)
    with pytest.raises(LimitError, match="40 x 30 x 20"):
        read_nifti(path, limits=Limits(max_decoded_bytes=47_999))
    scaled = save(tmp_path / "b.nii", np.zeros((20, 30, 40), np.int16), np.eye(4))
    scaled.write_bytes(changed(scaled.read_bytes(), 112, 2.0, "<f4"))
    with pytest.raises(LimitError, match="elements"):  # float32 takes twice as much
        read_nifti(scaled, limits=Limits(max_decoded_bytes=48_000))


@pytest.mark.parametrize("code", [0, 1])
def test_voxels_of_no_size(tmp_path: Path, code: int) -> None:
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16), None, qform_code=code, xyzt_units=3)
    path.write_bytes(changed(path.read_bytes(), 80, [2.0, 0.0, 0.0], "<f4"))
    with pytest.raises(DataError, match=r"voxels measure \[2.0, 0.0, 0.0\]"):
        read_nifti(path)
    assert read_nifti(path, unknown_spacing=1.5).spacing == pytest.approx((0.002, 1.5, 1.5))
    flat = save(tmp_path / "b.nii", np.zeros((2, 3), np.int16), None, qform_code=code)
    flat.write_bytes(changed(flat.read_bytes(), 80, [2.0, 3.0, 0.0], "<f4"))
    assert read_nifti(flat).spacing == (2, 3, 1)  # one slice needs no thickness


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Spm2AnalyzeImage])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("placed", [False, True])
def test_analyze(tmp_path: Path, kind: type, order: str, placed: bool) -> None:
    data = np.random.default_rng(0).integers(-99, 99, (6, 5, 4)).astype(np.int16)
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.int16)
    affine = np.array([[-2.0, 0, 0, 4], [0, 3, 0, -6], [0, 0, 4, -8], [0, 0, 0, 1]]) if placed else None
    image = kind(data, affine, header)
    if not placed:
        image.header.set_zooms((2, 3, 4))
    nib.save(image, tmp_path / "a.img")
    (tmp_path / "a.mat").unlink(missing_ok=True)  # SPM's own matrices are MATLAB files
    right = nib.load(tmp_path / "a.img")
    volume = read_nifti(tmp_path / "a.hdr")
    np.testing.assert_array_equal(volume.data, data.T)
    np.testing.assert_allclose(volume.affine, right.affine, atol=1e-6)
    np.testing.assert_array_equal(read_nifti(tmp_path / "a.img").data, data.T)
    write_nifti(tmp_path / "b.nii.gz", volume)
    np.testing.assert_allclose(nib.load(tmp_path / "b.nii.gz").affine, right.affine, atol=1e-6)
