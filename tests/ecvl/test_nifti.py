"""NIfTI files as ECVL images: axes, spacings, metadata and places, by default and as the original has them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deephealth import ecvl
from deephealth.ecvl import ColorType, DataType, Image, NiftiRead, NiftiWrite

AFFINE = np.array([[0.0, 0.0, -4.0, 9.0], [2.0, 0.0, 0.0, -7.0], [0.0, 3.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.0]])
KEYS = [
    *("xyzt_units", "dim_info", "slice_duration", "toffset", "qform_code", "sform_code", "quatern_b", "quatern_c"),
    *("quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
]


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = AFFINE, **fields: object) -> Path:
    image = nib.Nifti1Image(data, affine, dtype=data.dtype)
    if affine is not None:
        image.set_qform(affine, 1)
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def numbers(*shape: int, kind: str = "int16") -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


@pytest.mark.parametrize(
    ("shape", "channels", "dims"),
    [
        ((6, 5), "xy", [6, 5]),
        ((6, 5, 4), "xyz", [6, 5, 4]),
        ((6, 5, 1), "xy", [6, 5]),
        ((6, 5, 1, 2), "xyzt", [6, 5, 1, 2]),
        ((6, 5, 4, 1), "xyz", [6, 5, 4]),
        ((6, 5, 4, 1, 1), "xyzt", [6, 5, 4, 1]),
        ((6, 5, 4, 3, 2), "xyzto", [6, 5, 4, 3, 2]),
    ],
)
def test_axes(tmp_path: Path, shape: tuple[int, ...], channels: str, dims: list[int]) -> None:
    image = NiftiRead(save(tmp_path / "a.nii.gz", numbers(*shape)))
    assert (image.channels_, image.dims_, image.colortype_) == (channels, dims, ColorType.none)
    assert image.spacings_ == [2.0, 3.0, 4.0, 1.0, 1.0][: len(dims)]
    np.testing.assert_array_equal(np.array(image), numbers(*shape).reshape(dims))
    assert np.array(image, copy=False).flags.f_contiguous


def test_metadata(tmp_path: Path) -> None:
    image = NiftiRead(save(tmp_path / "a.nii", numbers(3, 4, 5), toffset=2.5, dim_info=9))
    assert [key for key in KEYS if key in image.meta_] == KEYS
    assert image.GetMeta("srow_x").Get() == (0.0, 0.0, -4.0, 9.0)
    assert image.GetMeta("toffset").Get() == 2.5
    assert (image.GetMeta("dim_info").Get(), image.GetMeta("qform_code").GetStr()) == (9, "1")
    np.testing.assert_allclose(image.GetMeta("affine").Get(), AFFINE)


@pytest.mark.parametrize(("kind", "code"), [("RGB", ColorType.RGB), ("RGBA", ColorType.RGBA)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr"])
def test_colours(tmp_path: Path, kind: str, code: ColorType, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 255, (5, 4, 3, len(kind)), dtype=np.uint8)
    nib.save(nib.Nifti1Image(values.view([(letter, "u1") for letter in kind])[..., 0], AFFINE), tmp_path / "a.nii")
    image = NiftiRead(tmp_path / "a.nii")
    assert (image.channels_, image.colortype_, image.dims_) == ("xyzc", code, [5, 4, 3, len(kind)])
    assert image.spacings_ == [2.0, 3.0, 4.0, 1.0]
    np.testing.assert_array_equal(np.array(image), values)
    NiftiWrite(tmp_path / f"b{suffix}", image)
    again = NiftiRead(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(np.array(again), values)
    np.testing.assert_allclose(nib.load(tmp_path / f"b{suffix}").affine, AFFINE, atol=1e-5)


def test_slopes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", numbers(3, 4, 5))
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.5, -1], "<f4").tobytes()
    path.write_bytes(raw)
    image = NiftiRead(path)
    assert image.elemtype_ is DataType.float32
    np.testing.assert_allclose(np.array(image), numbers(3, 4, 5) * 0.5 - 1)
    for stored in (NiftiRead(path, scaled=False), strictly(NiftiRead, path)):
        assert stored.elemtype_ is DataType.int16
        np.testing.assert_array_equal(np.array(stored), numbers(3, 4, 5))


def strictly(call, *args):
    with ecvl.strict_mode():
        return call(*args)


@pytest.mark.parametrize(
    ("kind", "elemtype"),
    [
        *(("u1", "uint8"), ("i1", "int8"), ("u2", "uint16"), ("i4", "int32"), ("i8", "int64"), ("f4", "float32")),
        *(("f8", "float64"), ("u4", "int64"), ("u8", "int64")),
    ],
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".img"])
def test_element_types_there_and_back(tmp_path: Path, kind: str, elemtype: str, suffix: str) -> None:
    image = NiftiRead(save(tmp_path / "a.nii", numbers(3, 4, 5, kind=kind)))
    assert image.elemtype_ is DataType[elemtype]
    NiftiWrite(tmp_path / f"b{suffix}", image)
    again = NiftiRead(tmp_path / f"b{suffix}")
    assert (again.elemtype_, again.channels_) == (image.elemtype_, "xyz")
    assert again.spacings_ == image.spacings_
    np.testing.assert_array_equal(np.array(again), numbers(3, 4, 5))
    written = nib.load(tmp_path / f"b{suffix}")
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-5)
    assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == (2, 1)
    np.testing.assert_allclose(written.header.get_qform(), AFFINE, atol=1e-5)
    assert (tmp_path / f"b{suffix}").read_bytes().startswith(b"\x1f\x8b") == suffix.endswith(".gz")


def test_big_endian(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nib.save(nib.Nifti1Image(numbers(3, 4, 5), AFFINE, header), tmp_path / "a.nii")
    np.testing.assert_array_equal(np.array(NiftiRead(tmp_path / "a.nii")), numbers(3, 4, 5))
    np.testing.assert_array_equal(np.array(strictly(NiftiRead, tmp_path / "a.nii")), numbers(3, 4, 5).byteswap())


def test_a_resized_image_fills_the_same_space(tmp_path: Path) -> None:
    image = NiftiRead(save(tmp_path / "a.nii", numbers(8, 6, 4, kind="float32")))
    half = Image()
    ecvl.ResizeDim(image, half, [4, 3])
    assert half.spacings_ == pytest.approx([4.0, 6.0, 4.0])
    NiftiWrite(tmp_path / "b.nii.gz", half)
    written = nib.load(tmp_path / "b.nii.gz")
    corner, far = [-0.5, -0.5, -0.5, 1], [7.5, 5.5, 3.5, 1]
    for affine in (written.header.get_sform(), written.header.get_qform()):
        np.testing.assert_allclose(affine @ corner, AFFINE @ corner, atol=1e-4)
        np.testing.assert_allclose(affine @ [3.5, 2.5, 3.5, 1], AFFINE @ far, atol=1e-4)


@pytest.mark.parametrize(
    ("channels", "dims", "shape"),
    [
        ("xyc", [4, 3, 1], (4, 3)),
        ("cxy", [1, 4, 3], (4, 3)),
        ("xyo", [4, 3, 2], (4, 3, 2)),
        ("yx", [3, 4], (4, 3)),
        ("zyx", [2, 3, 4], (4, 3, 2)),
        ("xyt", [4, 3, 2], (4, 3, 1, 2)),
        ("xyzto", [4, 3, 2, 5, 6], (4, 3, 2, 5, 6)),
        ("xyc", [4, 3, 2], (4, 3, 1, 1, 2)),
    ],
)
def test_layouts(tmp_path: Path, channels: str, dims: list[int], shape: tuple[int, ...]) -> None:
    image = Image([*dims], DataType.int16, channels, ColorType.none, [float(at + 2) for at in range(len(dims))])
    np.array(image, copy=False)[...] = numbers(*dims)
    NiftiWrite(tmp_path / "a.nii", image)
    written = nib.load(tmp_path / "a.nii")
    assert written.shape == shape
    zooms = {letter: float(at + 2) for at, letter in enumerate(channels)}
    assert written.header.get_zooms()[:2] == (zooms["x"], zooms["y"])
    order = [channels.index(letter) for letter in "xy"] + [
        at for at, letter in enumerate(channels) if letter not in "xy"
    ]
    if channels != "xyzto":
        order.sort(key=lambda at: "xyztoc".index(channels[at]))
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), numbers(*dims).transpose(order).reshape(shape))
    np.testing.assert_allclose(np.abs(np.diag(written.affine))[:2], [zooms["x"], zooms["y"]])


def test_bgr_becomes_rgb(tmp_path: Path) -> None:
    image = Image([4, 3, 3], DataType.float32, "xyc", ColorType.BGR)
    np.array(image, copy=False)[...] = [300.0, 20.5, -1.0]
    NiftiWrite(tmp_path / "a.nii", image)
    again = NiftiRead(tmp_path / "a.nii")
    assert (again.colortype_, again.elemtype_, again.channels_) == (ColorType.RGB, DataType.uint8, "xyc")
    assert np.array(again)[0, 0].tolist() == [0, 20, 255]
    with pytest.raises(RuntimeError, match=r"Can't write .*BGR"):
        strictly(NiftiWrite, tmp_path / "a.nii", image)


def test_an_affine_alone_is_enough(tmp_path: Path) -> None:
    image = Image([3, 4, 5], DataType.uint8, "xyz", ColorType.none, [2.0, 3.0, 4.0])
    image.SetMeta("affine", AFFINE.tolist())
    NiftiWrite(tmp_path / "a.nii", image)
    np.testing.assert_allclose(nib.load(tmp_path / "a.nii").affine, AFFINE)
    image.SetMeta("affine", "everywhere")
    with pytest.raises(RuntimeError, match="affine"):
        NiftiWrite(tmp_path / "b.nii", image)


def test_strict_writes_what_the_original_writes(tmp_path: Path) -> None:
    image = NiftiRead(save(tmp_path / "a.nii", numbers(3, 4, 5)))
    strictly(NiftiWrite, tmp_path / "b.nii.gz", image)
    raw = (tmp_path / "b.nii.gz").read_bytes()
    assert raw[:4] == (348).to_bytes(4, "little")
    fields = nib.Nifti1Header(raw[:348], check=False)
    assert (fields["pixdim"][0], fields["scl_slope"], fields["vox_offset"]) == (3, 0, 352)
    assert (fields["srow_x"].tolist(), int(fields["qform_code"])) == ([0, 0, -4, 9], 1)
    np.testing.assert_array_equal(np.array(strictly(NiftiRead, tmp_path / "b.nii.gz")), numbers(3, 4, 5))
    assert "affine" not in strictly(NiftiRead, tmp_path / "a.nii").meta_
    stack = Image([3, 4, 5], DataType.uint8, "xyo", ColorType.none)
    with pytest.raises(RuntimeError, match="xyo"):
        strictly(NiftiWrite, tmp_path / "c.nii", stack)
    strictly(NiftiWrite, tmp_path / "d.nii", Image([3, 4, 5], DataType.uint8, "xyz", ColorType.none, [2, 3, 4]))
    bare = nib.load(tmp_path / "d.nii").header
    assert (int(bare["sform_code"]), bare.get_zooms()) == (0, (2, 3, 4))


@pytest.mark.parametrize("kind", ["c8", "u4", "u8"])
def test_what_strict_mode_refuses(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / "a.nii", numbers(3, 4, 5, kind=kind))
    with pytest.raises(RuntimeError, match="Can't read"):
        strictly(NiftiRead, path)
    nib.save(nib.Nifti2Image(numbers(3, 4, 5), AFFINE), tmp_path / "b.nii")
    with pytest.raises(RuntimeError, match="Can't read"):
        strictly(NiftiRead, tmp_path / "b.nii")
    assert NiftiRead(tmp_path / "b.nii").dims_ == [3, 4, 5]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    complex_numbers = save(tmp_path / "a.nii", numbers(3, 4, 5, kind="c8"))
    huge = save(tmp_path / "b.nii", np.full((2, 2, 2), 2**64 - 1, np.uint64))
    (tmp_path / "c.nii").write_bytes(b"nothing")
    for path in (complex_numbers, huge, tmp_path / "c.nii", tmp_path / "d.nii", tmp_path, "a\0b"):
        with pytest.raises(RuntimeError, match="Can't read"):
            NiftiRead(path)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    fine = Image([3, 4, 5], DataType.uint8, "xyz", ColorType.none)
    with pytest.raises(RuntimeError, match="Can't write"):
        NiftiWrite(tmp_path / "missing" / "a.nii", fine)
    for image in (Image(), Image([3, 0], DataType.uint8, "xy", ColorType.none)):
        with pytest.raises(RuntimeError, match="Can't write"):
            NiftiWrite(tmp_path / "a.nii", image)
    with pytest.raises(RuntimeError, match="HSV"):
        NiftiWrite(tmp_path / "a.nii", Image([3, 4, 3], DataType.uint8, "xyc", ColorType.HSV))


def test_imread_knows_the_content(tmp_path: Path) -> None:
    save(tmp_path / "a.nii.gz", numbers(3, 4, 5)).rename(tmp_path / "picture.png")
    assert ecvl.ImRead(tmp_path / "picture.png").channels_ == "xyz"


def test_an_image_without_a_usable_place_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", numbers(3, 4, 5))
    raw = bytearray(path.read_bytes())
    raw[280:328] = np.full(12, np.nan, "<f4").tobytes()
    path.write_bytes(raw)
    image = NiftiRead(path)
    assert "affine" not in image.meta_
    np.testing.assert_array_equal(np.array(image), numbers(3, 4, 5))


def test_colours_of_other_types_are_clamped_and_in_strict_mode_wrapped(tmp_path: Path) -> None:
    values = np.array([-1.5, -0.5, 3.9, 255.5, 257.2, 511.0]).reshape(2, 1, 3)
    for strict, wanted in ((False, [0, 0, 3, 255, 255, 255]), (True, [255, 0, 3, 255, 1, 255])):
        with ecvl.strict_mode(strict):
            NiftiWrite(tmp_path / "a.nii", Image.fromarray(values, "xyc", ColorType.RGB))
        assert np.array(NiftiRead(tmp_path / "a.nii")).ravel().tolist() == wanted
