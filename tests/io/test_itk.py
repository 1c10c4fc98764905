"""NRRD and MetaImage: the same voxels at the same places; what a header claims is checked before ITK reads."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import (
    DataError,
    DeepHealthError,
    LimitError,
    MissingDataError,
    OptionalDependencyError,
    UnreadableFileError,
)
from deephealth.io.geometry import affine_from
from deephealth.io.itk import read_itk, write_itk
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume
from deephealth.io.volumes import VOLUME_BACKENDS, read_volume, volume_format, write_volume

itk = pytest.importorskip("SimpleITK")

OBLIQUE = affine_from([[0.8, 0.0, -0.6], [0.6, 0.0, 0.8], [0.0, -1.0, 0.0]], (0.7, 0.8, 2.5), (-120.5, 33.25, 700.0))


def volume(kind: str = "int16", channels: int = 0) -> Volume:
    shape = (4, 5, 6) if not channels else (channels, 4, 5, 6)
    return Volume(np.random.default_rng(0).integers(0, 99, shape).astype(kind), OBLIQUE)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize("compress", [True, False])
def test_round_trip(tmp_path: Path, suffix: str, kind: str, channels: int, compress: bool) -> None:
    written = volume(kind, channels)
    write_itk(tmp_path / f"a{suffix}", written, compress=compress)
    again = read_itk(tmp_path / f"a{suffix}")
    assert again.data.dtype == written.data.dtype
    np.testing.assert_array_equal(again.data, written.data)
    np.testing.assert_allclose(again.affine, written.affine, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@given(turn=st.permutations([0, 1, 2]), signs=st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_itk_and_nifti_agree_on_places(tmp_path_factory, turn, signs) -> None:
    folder = tmp_path_factory.mktemp("i")
    written = Volume(volume().data, affine_from(np.eye(3)[:, turn] * signs, (1, 2, 3), (4, 5, 6)))
    images = []
    for name in ("a.nrrd", "a.mha", "a.nii.gz"):
        write_volume(folder / name, written)
        again = read_volume(folder / name)
        np.testing.assert_allclose(again.affine, written.affine, atol=1e-4)
        np.testing.assert_array_equal(again.data, written.data)
        images.append(itk.ReadImage(str(folder / name)))
    point = images[0].TransformIndexToPhysicalPoint((1, 2, 3))
    right = np.diag([-1, -1, 1]) @ (written.affine @ [1, 2, 3, 1])[:3]
    for image in images:
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((1, 2, 3)), right, atol=1e-4)
    np.testing.assert_allclose(point, right, atol=1e-6)


def test_other_ranks(tmp_path: Path) -> None:
    itk.WriteImage(itk.GetImageFromArray(np.arange(12, dtype=np.uint8).reshape(3, 4)), str(tmp_path / "a.mha"))
    assert read_itk(tmp_path / "a.mha").shape == (1, 3, 4)
    series = np.arange(120, dtype=np.int16).reshape(2, 3, 4, 5)
    itk.WriteImage(itk.GetImageFromArray(series, isVector=False), str(tmp_path / "b.nrrd"))
    np.testing.assert_array_equal(read_itk(tmp_path / "b.nrrd").data, series)


def test_types_that_change(tmp_path: Path) -> None:
    write_itk(tmp_path / "a.nrrd", Volume(np.ones((2, 3, 4), bool), np.eye(4)))
    assert read_itk(tmp_path / "a.nrrd").data.dtype == np.uint8
    write_itk(tmp_path / "a.nrrd", Volume(np.ones((2, 3, 4), np.float16), np.eye(4)))
    assert read_itk(tmp_path / "a.nrrd").data.dtype == np.float32
    with pytest.raises(DataError, match="no type"):
        write_itk(tmp_path / "a.nrrd", Volume(np.ones((2, 3, 4), "M8[s]"), np.eye(4)))
    with pytest.raises(DataError, match="not the name"):
        write_itk(tmp_path / "a.mhd", volume())


@pytest.mark.parametrize(
    ("suffix", "data"), [(".mhd", ".raw"), (".mhd", ".zraw"), (".nhdr", ".raw"), (".nhdr", ".raw.gz")]
)
def test_detached_elements(tmp_path: Path, suffix: str, data: str) -> None:
    image = itk.GetImageFromArray(volume().data)
    itk.WriteImage(image, str(tmp_path / f"a{suffix}"), useCompression="z" in data)
    assert (tmp_path / f"a{data}").exists()
    np.testing.assert_array_equal(read_itk(tmp_path / f"a{suffix}").data, volume().data)
    header = (tmp_path / f"a{suffix}").read_bytes()
    for name, error in (("../a", DataError), ("/etc/a", DataError), ("b", MissingDataError)):
        (tmp_path / f"b{suffix}").write_bytes(header.replace(f"a{data}".encode(), f"{name}{data}".encode()))
        with pytest.raises(error):
            read_itk(tmp_path / f"b{suffix}")
    for name in ("LIST", "%03d.raw 1 9 1"):
        (tmp_path / f"b{suffix}").write_bytes(header.replace(f"a{data}".encode(), name.encode()))
        with pytest.raises(UnreadableFileError, match="several files"):
            read_itk(tmp_path / f"b{suffix}")
    (tmp_path / f"a{data}").write_bytes((tmp_path / f"a{data}").read_bytes()[:-9])
    with pytest.raises(LimitError):
        read_itk(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_damage_in_compressed_elements_is_found(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_itk(path, volume())
    content = path.read_bytes()
    for at in (len(content) - 60, len(content) - 3):
        path.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
        with pytest.raises(DeepHealthError):
            read_itk(path)


def meta_image(**fields: str) -> bytes:
    shown = {"ObjectType": "Image", "NDims": "3", "DimSize": "4 5 6", "ElementType": "MET_SHORT", **fields}
    text = "".join(f"{key} = {value}\n" for key, value in {**shown, "ElementDataFile": "LOCAL"}.items())
    return text.encode()


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"DimSize": "9999 9999 9999"}, LimitError, "9999"),
        ({"DimSize": "4 5 7"}, LimitError, "holds"),
        ({"DimSize": "4 -5 6"}, LimitError, "-5"),
        ({"DimSize": "four"}, UnreadableFileError, "DimSize"),
        ({"DimSize": "1 1 1 1 1 1"}, UnreadableFileError, "6 axes"),
        ({"ElementType": "MET_OTHER"}, UnreadableFileError, "MET_OTHER"),
        ({"ElementNumberOfChannels": "9"}, LimitError, "holds"),
        ({"CompressedData": "True", "DimSize": "999 999 999"}, LimitError, "claims"),
    ],
)
def test_headers_that_lie(tmp_path: Path, fields: dict[str, str], error: type, says: str) -> None:
    path = tmp_path / "a.mha"
    content = bytes(240) if "CompressedData" not in fields else zlib.compress(bytes(240))
    path.write_bytes(meta_image(**fields) + content)
    with pytest.raises(error, match=says):
        read_itk(path)


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("sizes: 900 900 900", LimitError, "holds"),
        ("type: block", UnreadableFileError, "block"),
        ("encoding: bzip2", UnreadableFileError, "bzip2"),
        ("byte skip: 40", UnreadableFileError, "byte skip"),
        ("data file: ../secret.raw", DataError, "outside"),
    ],
)
def test_nrrd_headers_that_lie(tmp_path: Path, line: str, error: type, says: str) -> None:
    fields = ["type: short", "dimension: 3", "sizes: 4 5 6", "encoding: raw", "endian: little"]
    fields = [field for field in fields if field.split(":")[0] != line.split(":")[0]]
    path = tmp_path / "a.nrrd"
    path.write_bytes("\n".join(["NRRD0004", *fields, line, "", ""]).encode() + bytes(240))
    with pytest.raises(error, match=says):
        read_itk(path)


HEADER = ["type: short", "dimension: 3", "sizes: 4 5 6", "encoding: raw", "endian: little"]


def nrrd(*lines: str) -> bytes:
    return "\n".join(["NRRD0005", *HEADER, *lines, "", ""]).encode() + np.arange(120, dtype="<i2").tobytes()


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [  # NrrdIO crashes on the long ones
        ("space: left-posterior-" + "superior-" * 200, LimitError, "characters"),
        ("kinds: " + "vector " * 200, LimitError, "characters"),
        ("space: left-posterior", UnreadableFileError, "left-posterior"),
        ("kinds: domain domaim domain", UnreadableFileError, "domaim"),
        ("space origin: (0,0ace origin: (0,0", UnreadableFileError, "spaceorigin"),
        ("space directions: (1,0,0) (0,1,0) (0,0,x)", UnreadableFileError, "spacedirections"),
        ('labels: "a" "b" "c', UnreadableFileError, "labels"),
        ("endian: little", UnreadableFileError, "twice"),
        ("axismins: 1 1 1\naxis mins: 1 1 1", UnreadableFileError, "twice"),
        ("spaceorigin: (0,0,0)", UnreadableFileError, "spaceorigin"),
        ("flavour: sour", UnreadableFileError, "flavour"),
        ("content: a\rb", UnreadableFileError, "control"),
        ("content: a\0b", UnreadableFileError, "control"),
    ],
)
def test_nrrd_fields_that_itk_must_not_see(tmp_path: Path, line: str, error: type, says: str) -> None:
    (tmp_path / "a.nrrd").write_bytes(nrrd(line))
    with pytest.raises(error, match=says):
        read_itk(tmp_path / "a.nrrd")


def test_nrrd_fields_that_other_programs_write(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(
        nrrd(
            "# " + "a comment " * 900,
            "content: a name; with: anything",
            "space: LPS",
            "space directions: (-0.5,0.00000000000000012,0) (0, 1e-3, .5) (0,0,+2.)",
            "kinds: domain DOMAIN space",
            'space units: "mm" "m \\"m" ""',
            "space origin: (-120.5,33.25,700)",
            "measurement frame: (1,0,0) (0,1,0) (0,0,1)",
            "sample units: HU",
            "min: nan",
            "Segment0_Name:=" + "liver" * 500,
        )
    )
    found = read_itk(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(found.data.ravel(), np.arange(120))
    np.testing.assert_allclose(found.affine[:3, 3], (120.5, -33.25, 700))
    assert found.meta["Segment0_Name"] == "liver" * 500


def test_names_of_element_files(tmp_path: Path) -> None:
    header = meta_image().decode()
    (tmp_path / "Größe.raw").write_bytes(np.arange(120, dtype="<i2").tobytes())
    (tmp_path / "a.mhd").write_text(header.replace("LOCAL", "Größe.raw"), encoding="utf-8")
    np.testing.assert_array_equal(read_itk(tmp_path / "a.mhd").data.ravel(), np.arange(120))
    (tmp_path / "loop.raw").symlink_to("loop.raw")
    for name in ("x" * 256, "ÿ" * 200, "loop.raw"):
        (tmp_path / "a.mhd").write_text(header.replace("LOCAL", name), encoding="utf-8")
        with pytest.raises(DataError):
            read_itk(tmp_path / "a.mhd")


def test_limits_and_what_is_none(tmp_path: Path) -> None:
    write_itk(tmp_path / "a.mha", volume())
    with pytest.raises(LimitError, match="6"):
        read_itk(tmp_path / "a.mha", limits=Limits(max_decoded_bytes=100))
    with pytest.raises(MissingDataError):
        read_itk(tmp_path / "b.mha")
    (tmp_path / "b.mha").write_bytes(b"something else")
    with pytest.raises(UnreadableFileError, match="neither"):
        read_itk(tmp_path / "b.mha")


def test_mutated_headers(tmp_path: Path) -> None:
    draw = random.Random(0)
    files = {}
    for name in ("a.mha", "a.nrrd"):
        write_itk(tmp_path / name, volume())
        files[name] = (tmp_path / name).read_bytes()
    for _ in range(300):
        name = draw.choice(list(files))
        content = bytearray(files[name])
        for _ in range(draw.choice([1, 2, 5])):
            content[draw.randrange(min(len(content), 500))] = draw.randrange(256)
        path = tmp_path / f"x{name[1:]}"
        path.write_bytes(content)
        try:
            read_itk(path)
        except DeepHealthError:
            continue


def test_formats_are_seen_from_content(tmp_path: Path) -> None:
    for name, kind in (("a.nii", "nifti"), ("a.nii.gz", "nifti"), ("a.nrrd", "itk"), ("a.mha", "itk")):
        write_volume(tmp_path / name, volume())
        (tmp_path / name).rename(tmp_path / "file")
        assert volume_format(tmp_path / "file") == kind
        np.testing.assert_array_equal(read_volume(tmp_path / "file").data, volume().data)
    (tmp_path / "file").write_bytes(bytes(128) + b"DICM")
    assert volume_format(tmp_path / "file") == volume_format(tmp_path) == "dicom"
    for content in (b"", b"\x1f\x8bxx", b"text"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(UnreadableFileError, match="no volume"):
            volume_format(tmp_path / "file")
    with pytest.raises(DataError, match="names no format"):
        write_volume(tmp_path / "a.png", volume())


def test_the_missing_reader_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_volume(tmp_path / "a.nrrd", volume())
    monkeypatch.setattr("deephealth.io.backend.is_installed", lambda module: module != "SimpleITK")
    with pytest.raises(OptionalDependencyError, match="SimpleITK"):
        read_volume(tmp_path / "a.nrrd")
    assert VOLUME_BACKENDS.matrix()[1][:2] == ("itk", ["SimpleITK"])


def test_one_dicom_file(tmp_path: Path) -> None:
    testdata = pytest.importorskip("pydicom.data").get_testdata_file("CT_small.dcm", download=False)
    found = read_volume(testdata)
    assert (found.shape, found.unit) == ((1, 128, 128), "HU")
    for name in ("a.nii.gz", "a.nrrd"):
        write_volume(tmp_path / name, found)
        again = read_volume(tmp_path / name)
        np.testing.assert_array_equal(again.data, found.data)
        np.testing.assert_allclose(again.affine, found.affine, atol=1e-4)
