from __future__ import annotations

import gzip
import io
import tarfile

import numpy as np
import pytest

from deephealth import eddl
from deephealth.core.errors import UnreadableFileError
from deephealth.eddl.data import convert, datasets
from deephealth.eddl.data.catalogue import DATASETS
from deephealth.eddl.errors import EddlError
from deephealth.io.eddl_bin import read_whole_shape, write_bin_parts


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """An empty current folder, an empty cache, and no network."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DEEPHEALTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPHEALTH_OFFLINE", "1")
    return tmp_path


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.astype(np.uint8).tobytes()


def write(path, shape):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        write_bin_parts(stream, shape, [np.zeros(int(np.prod(shape)))])


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (eddl.download_mnist, "mnist"),
        (eddl.download_cifar10, "cifar"),
        (eddl.download_drive, "drive"),
        (eddl.download_imdb_2000, "imdb_2000"),
        (eddl.download_eutrans, "eutrans"),
        (eddl.download_flickr, "flickr"),
    ],
)
def test_offline_the_error_names_every_missing_file_its_shape_and_the_cure(function, name, folders):
    files = DATASETS[name].files
    write(folders / "here" / files[0].name, [1])  # one is here already, whatever its shape
    with pytest.raises(RuntimeError) as caught:
        function()
    text = str(caught.value)
    assert isinstance(caught.value, EddlError)
    assert files[0].name not in text
    for file in files[1:]:
        assert f"{file.name}: float32 {file.shape_text}" in text
    assert str(folders / "here") in text
    assert str(folders / "cache" / "datasets") in text
    assert "eddl.Tensor.fromarray(array).save(name)" in text


def test_files_in_the_current_folder_are_used_as_they_are(folders):
    for file in DATASETS["eutrans"].files:
        write(folders / "here" / file.name, [2, 30])
    before = {p.name: p.stat().st_mtime_ns for p in (folders / "here").iterdir()}
    eddl.download_eutrans()
    assert {p.name: p.stat().st_mtime_ns for p in (folders / "here").iterdir()} == before
    assert not (folders / "cache").exists()


def test_files_of_the_cache_appear_in_the_current_folder(folders):
    for file in DATASETS["imdb_2000"].files:
        write(folders / "cache" / "datasets" / file.name, [3, file.shape[1]])
    eddl.download_imdb_2000()
    assert eddl.exist("imdb_2000_trX.bin")
    assert eddl.Tensor.load("imdb_2000_tsX.bin").shape == [3, 250]


def test_a_cached_file_of_another_shape_is_refused(folders):
    for file in DATASETS["imdb_2000"].files:
        write(folders / "cache" / "datasets" / file.name, [3, 7])
    with pytest.raises(EddlError, match=r"\[N, 250\]"):
        eddl.download_imdb_2000()


def test_mnist_is_converted_from_the_publishers_files(folders, monkeypatch):
    monkeypatch.setitem(DATASETS, "mnist", shrunk("mnist", 5))
    raw = folders / "here" / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
    labels = np.array([3, 0, 9, 9, 1])
    for source in DATASETS["mnist"].sources:
        content = idx(images if "images" in source.name else labels)
        packed = source.name.startswith("train")  # torchvision keeps both forms
        name = source.name if packed else source.name.removesuffix(".gz")
        (raw / name).write_bytes(gzip.compress(content) if packed else content)
    eddl.download_mnist()
    np.testing.assert_array_equal(eddl.Tensor.load("mnist_trX.bin").getdata(), images.reshape(5, 784))
    np.testing.assert_array_equal(eddl.Tensor.load("mnist_tsY.bin").getdata().argmax(1), labels)


def shrunk(name, count):
    """The data set with ``count`` samples instead of its own number."""
    from dataclasses import replace

    dataset = DATASETS[name]
    return replace(dataset, files=tuple(replace(f, shape=(count, *f.shape[1:])) for f in dataset.files))


def test_cifar_is_converted_from_the_publishers_archive(tmp_path):
    rng = np.random.default_rng(1)
    records = rng.integers(0, 10, (6, 2, 3073), dtype=np.uint8)
    names = [*convert.CIFAR_BATCHES["tr"], *convert.CIFAR_BATCHES["ts"]]
    archive = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as stream:
        for name, record in zip(names, records, strict=True):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = record.nbytes
            stream.addfile(member, io.BytesIO(record.tobytes()))
    convert.convert_cifar(archive, tmp_path)
    assert read_whole_shape(tmp_path / "cifar_trX.bin") == (10, 3, 32, 32)
    assert read_whole_shape(tmp_path / "cifar_tsY.bin") == (2, 10)
    images = eddl.Tensor.load(str(tmp_path / "cifar_trX.bin")).getdata()
    np.testing.assert_array_equal(images[3], records[1, 1, 1:].reshape(3, 32, 32))
    labels = eddl.Tensor.load(str(tmp_path / "cifar_tsY.bin")).getdata()
    np.testing.assert_array_equal(labels.argmax(1), records[5, :, 0])


@pytest.mark.parametrize("content", [b"", b"\0\0\x0d\x01\0\0\0\x01", idx(np.zeros((3, 2)))[:-1]])
def test_a_damaged_idx_file_is_refused(tmp_path, content):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError):
        convert.read_idx(path)


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(UnreadableFileError, match="can't be unpacked"):
        convert.convert_cifar(path, tmp_path)


def test_the_accelerators_say_what_to_use_instead():
    with pytest.raises(NotImplementedError, match="CS_CPU"):
        eddl.download_hlsinf(1, 0)


def test_every_function_is_in_the_table():
    assert {f"download_{name}" for name in (*DATASETS, "cifar10")} - {"download_cifar"} <= set(datasets.__all__)
