"""What a tensor prints, and the files it reads and writes."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from deephealth.eddl.errors import EddlError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ([3], "[0.0 1.0 2.0]\n"),
        ([2, 2], "[\n[0.0 1.0]\n[2.0 3.0]\n]\n"),
        ([1, 2, 2], "[\n[[0.0 1.0] [2.0 3.0]]\n]\n"),
        ([2, 1, 2], "[\n[[0.0 1.0]]\n[[2.0 3.0]]\n]\n"),
        ([2, 1, 1, 1], "[\n[[[0.0]]]\n\n[[[1.0]]]\n]\n"),
    ],
    ids=str,
)
def test_values_are_printed_as_the_original_did(shape, text, capsys):
    Tensor(np.arange(np.prod(shape), dtype=np.float32).reshape(shape)).print(1)
    assert capsys.readouterr().out == text


def test_raw_values_and_special_ones(capsys):
    Tensor.fromarray([[1, math.inf], [math.nan, -0.5]]).print(2, True)
    assert capsys.readouterr().out == "[\n1.00, inf, nan, -0.50, \n]\n"


def test_endless_tensors_are_cut(capsys):
    Tensor([100_001]).print(0)
    out = capsys.readouterr().out
    assert out.startswith("Maximum tensor length exceeded.\nPrinting only first 100000 rows:\n[0 0")
    assert out.endswith("0 0]\n")
    assert len(out.splitlines()[-1]) == 2 * 100_000 + 1


def test_facts_are_printed(capsys):
    Tensor(X).info()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "-" * 31,
        "class:         Tensor",
        "ndim:          2",
        "shape:         (2, 3)",
        "strides:       (3, 1)",
        "itemsize:      6",
    ]
    assert lines[9:] == ["is shared: 0", "type:          float (4 bytes)", "device:        CPU (code = 0)", "-" * 31]
    assert repr(Tensor.ones([2])) == "Tensor([1., 1.])"


@pytest.mark.parametrize("suffix", ["bin", "npy", "csv", "tsv", "txt"])
def test_numbers_come_back(tmp_path, suffix):
    name = str(tmp_path / f"a.{suffix}")
    Tensor(X / 4).save(name)
    np.testing.assert_array_equal(Tensor.load(name), X / 4)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_text_is_written_with_six_digits(tmp_path):
    Tensor.fromarray([[1 / 3, 1e10], [2, -0.25]]).save(str(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_text() == "0.333333,1e+10\n2,-0.25\n"
    Tensor(X).save2txt(tmp_path / "b.csv", ",", ["x", "y", "z"])
    assert (tmp_path / "b.csv").read_text() == "x,y,z\n0,1,2\n3,4,5\n"
    np.testing.assert_array_equal(Tensor.load(tmp_path / "b.csv"), X)


def test_the_format_may_be_named(tmp_path):
    Tensor(X).save(str(tmp_path / "weights"), "bin")
    np.testing.assert_array_equal(Tensor.load(str(tmp_path / "weights"), "bin"), X)
    np.testing.assert_array_equal(Tensor.load(str(tmp_path / "weights"), format=".BIN"), X)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tga"])
def test_pictures_come_back_with_their_channels(tmp_path, channels, suffix):
    values = np.random.default_rng(1).integers(0, 256, (channels, 5, 7)).astype(np.float32)
    Tensor(values).save(str(tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(Tensor.load(str(tmp_path / f"a.{suffix}")), values)


def test_other_pictures(tmp_path):
    values = np.full((1, 3, 8, 8), 100.0, np.float32)
    for suffix in ("bmp", "jpg", "jpeg"):
        Tensor(values).save(str(tmp_path / f"a.{suffix}"))
        np.testing.assert_allclose(Tensor.load(str(tmp_path / f"a.{suffix}")), values[0], atol=1)
    Tensor(np.full((4, 8, 8), 200.0, np.float32)).save(str(tmp_path / "b.jpg"))
    assert Tensor.load(str(tmp_path / "b.jpg")).shape == [3, 8, 8]
    Tensor(values[0, 0]).save(str(tmp_path / "c.png"))
    assert Tensor.load(str(tmp_path / "c.png")).shape == [1, 8, 8]


def test_values_outside_of_a_byte_are_limited_and_wrap_in_strict_mode(tmp_path):
    a = Tensor.fromarray([[-1.0, 300.0, 12.9]])
    a.save(str(tmp_path / "a.png"))
    np.testing.assert_array_equal(Tensor.load(str(tmp_path / "a.png")), [[[0, 255, 12]]])
    with strict_mode():
        a.save(str(tmp_path / "a.png"))
    np.testing.assert_array_equal(Tensor.load(str(tmp_path / "a.png")), [[[255, 44, 12]]])


@pytest.mark.parametrize("shape", [[3], [5, 4, 4], [2, 3, 4, 4], [0, 4]])
def test_a_shape_that_is_no_picture_is_refused(tmp_path, shape):
    with pytest.raises(EddlError, match="a picture is"):
        Tensor(shape).save(str(tmp_path / "a.png"))


def test_palettes_sixteen_bits_and_black_and_white_are_read(tmp_path):
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(Tensor.load(tmp_path / "deep.png"), [[[0, 255]]])
    Image.new("1", (2, 1), 1).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(Tensor.load(tmp_path / "bits.png"), [[[255, 255]]])
    Image.new("RGB", (2, 1), (9, 8, 7)).convert("P").save(tmp_path / "palette.gif")
    assert Tensor.load(tmp_path / "palette.gif").shape == [3, 1, 2]


def test_rows_of_a_file(tmp_path):
    Tensor(X).save(str(tmp_path / "a.bin"))
    np.testing.assert_array_equal(Tensor.load_partial(str(tmp_path / "a.bin"), 1, 2), X[1:])
    np.testing.assert_array_equal(Tensor.load_partial(str(tmp_path / "a.bin"), 0, -1), X)
    for name, rows in (("a.bin", (1, 3)), ("a.bin", (-1, 1)), ("a.csv", (0, 1)), ("b.bin", (0, 1))):
        with pytest.raises(EddlError):
            Tensor.load_partial(str(tmp_path / name), *rows)


def test_a_record_in_memory():
    np.testing.assert_array_equal(Tensor.load_from_ptr(bytes.fromhex("01000000020000000000803f00000040")), [1, 2])
    for wrong in (b"\x01", 1234):
        with pytest.raises(EddlError):
            Tensor.load_from_ptr(wrong)


def damaged(kind):
    stream = io.BytesIO()
    if kind == "npy":
        np.save(stream, X)
    elif kind == "png":
        Image.effect_noise((32, 32), 50).save(stream, "PNG")
    else:
        stream.write(np.array([2, 2, 3], "<i4").tobytes() + X.tobytes())
    return stream.getvalue()[: len(stream.getvalue()) // 2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.bin", damaged("bin")),
        ("a.npy", damaged("npy")),
        ("a.png", damaged("png")),
        ("a.npy", b""),
        ("b.npy", b"\x93NUMPY\x01\x00\x05\x00{1:}\n"),
        ("a.csv", b"1,2\n3\n"),
        ("a.csv", b"1,2\n3,x\n"),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.jpg", b"no picture"),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EddlError, match=r"^RuntimeError: Tensor::load"):
        Tensor.load(str(tmp_path / name))


def test_objects_in_npy_files_are_not_run(tmp_path):
    np.save(tmp_path / "a.npy", np.array([print], dtype=object), allow_pickle=True)
    np.save(tmp_path / "b.npy", np.array(["text"]))
    for name in ("a.npy", "b.npy"):
        with pytest.raises(EddlError):
            Tensor.load(str(tmp_path / name))


def test_missing_files_unknown_formats_and_folders_are_refused(tmp_path):
    with pytest.raises(RuntimeError, match="file not found"):
        Tensor.load(str(tmp_path / "none.bin"))
    (tmp_path / "a.npz").write_bytes(b"")
    with pytest.raises(EddlError, match=r"np\.load"):
        Tensor.load(str(tmp_path / "a.npz"))
    for name in ("a.xyz", "a"):
        with pytest.raises(EddlError, match="can't be written"):
            Tensor(X).save(str(tmp_path / name))
    with pytest.raises(EddlError, match="no folder"):
        Tensor(X).save(str(tmp_path / "none" / "a.bin"))
    with pytest.raises(EddlError, match="two dimensions"):
        Tensor([2, 2, 2]).save(str(tmp_path / "a.csv"))
    with pytest.raises(EddlError, match="NaN"):
        Tensor.full([2, 2], math.nan).save(str(tmp_path / "a.png"))
