"""NIfTI: voxels equal bit by bit for independent readers, header strings, extensions and gaps gone."""

import gzip
import struct
import time
from dataclasses import replace

import numpy as np
import pytest

from deephealth.core.errors import QuarantineError
from deephealth.io.limits import Limits
from deephealth.lake.formats import nifti
from tests.lake.formats.conftest import JUNK

nib = pytest.importorskip("nibabel")


def planted(cls, dtype, shape=(5, 6, 4), order="<"):
    rng = np.random.default_rng(3)
    voxels = (rng.normal(size=shape) * 1000).astype(dtype)
    header = cls.header_class(endianness=order)
    header.set_data_dtype(dtype)
    image = cls(voxels, np.diag([-2, 2, 3, 1.0]), header)
    for name, size in (("descrip", 79), ("aux_file", 23), ("intent_name", 15)):
        image.header[name] = JUNK[:size].encode()
    if "db_name" in image.header:
        image.header["db_name"], image.header["data_type"] = b"Quillfeather", b"Zyxwhurst"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", JUNK.encode()))
    return image, voxels


@pytest.mark.parametrize("cls", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_planted_volume(tmp_path, who, junk, scan, cls, dtype, order, packed):
    image, voxels = planted(cls, dtype, order=order)
    data = image.to_bytes() + junk
    source = tmp_path / ("a.nii.gz" if packed else "a.nii")
    source.write_bytes(gzip_named(data) if packed else data)
    target = tmp_path / ("b.nii.gz" if packed else "b.nii")
    outcome = nifti.clean(source, target, who)
    fresh = target.read_bytes()
    assert not scan(fresh)
    assert not scan(gzip.decompress(fresh) if packed else fresh)
    read = nib.load(target)
    assert type(read) is cls
    assert not read.header.extensions
    np.testing.assert_array_equal(np.asanyarray(read.dataobj), voxels)
    np.testing.assert_array_equal(read.affine, image.affine)
    assert read.header.endianness == order
    assert "after the voxels" in outcome.notes[0]
    assert (outcome.facts["rows"], outcome.facts["columns"], outcome.facts["frames"]) == (6, 5, 4)


def gzip_named(data: bytes) -> bytes:
    """A gzip member that carries a file name and a comment, as gzip and old tools write them."""
    plain = gzip.compress(data, mtime=123456789)
    return plain[:3] + b"\x18" + plain[4:10] + b"Zyxwhurst_MRN7712345.nii\0Quillfeather\0" + plain[10:]


def test_gap_before_the_voxels(tmp_path, who, junk, scan):
    image, voxels = planted(nib.Nifti1Image, "int16")
    image.header.extensions.clear()
    data = bytearray(image.to_bytes())
    gap = junk.ljust(-(-len(junk) // 16) * 16)
    struct.pack_into("<f", data, 108, 352.0 + len(gap))
    (tmp_path / "a.nii").write_bytes(bytes(data[:352]) + gap + bytes(data[352:]))
    nifti.clean(tmp_path / "a.nii", tmp_path / "b.nii", who)
    assert not scan((tmp_path / "b.nii").read_bytes())
    assert (tmp_path / "b.nii").stat().st_size == 352 + voxels.nbytes
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "b.nii").dataobj), voxels)


@pytest.mark.parametrize("cls", [nib.Nifti1Pair, nib.Nifti2Pair])
def test_pair_becomes_one_file(tmp_path, who, scan, cls):
    image, voxels = planted(cls, "int16")
    nib.save(image, tmp_path / "a.img")
    nifti.clean(tmp_path / "a.hdr", tmp_path / "b.nii.gz", who)
    assert not scan(gzip.decompress((tmp_path / "b.nii.gz").read_bytes()))
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "b.nii.gz").dataobj), voxels)
    (tmp_path / "a.img").unlink()
    with pytest.raises(QuarantineError, match="beside"):
        nifti.clean(tmp_path / "a.hdr", tmp_path / "c.nii.gz", who)


def test_simpleitk_reads_the_same(tmp_path, who):
    sitk = pytest.importorskip("SimpleITK")
    image, _ = planted(nib.Nifti1Image, "int16")
    nib.save(image, tmp_path / "a.nii.gz")
    nifti.clean(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", who)
    old, new = (sitk.ReadImage(str(tmp_path / name)) for name in ("a.nii.gz", "b.nii.gz"))
    assert (sitk.GetArrayFromImage(old) == sitk.GetArrayFromImage(new)).all()
    assert (old.GetDirection(), old.GetOrigin()) == (new.GetDirection(), new.GetOrigin())
    assert new.GetMetaData("descrip").strip("\0 ") == ""


def test_gzip_header_has_neither_name_nor_time(tmp_path, who):
    image, _ = planted(nib.Nifti1Image, "int16")
    (tmp_path / "a.nii.gz").write_bytes(gzip_named(image.to_bytes()))
    nifti.clean(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", who)
    head = (tmp_path / "b.nii.gz").read_bytes()[:10]
    assert head[3:8] == bytes(5)


def test_hostile(tmp_path, who):
    image, _ = planted(nib.Nifti1Image, "int16")
    good = image.to_bytes()
    huge = bytearray(good)
    struct.pack_into("<8h", huge, 40, 3, 32767, 32767, 32767, 1, 1, 1, 1)
    large = bytearray(good[:352])
    struct.pack_into("<8h", large, 40, 3, 1000, 1000, 1000, 1, 1, 1, 1)
    struct.pack_into("<f", large, 108, 352.0)
    for name, data in {
        "truncated": good[:-1],
        "no voxels": good[:352],
        "claims": bytes(huge),
        "bomb": gzip.compress(bytes(large) + bytes(1000), 9),
        "far beyond": gzip.compress(good + bytes(200 * 1024**2), 9),
        "cut": gzip.compress(good)[:-9],
        "damaged": gzip.compress(good)[:-8] + bytes(8),
        "analyze": good[:344] + bytes(4) + good[348:],
    }.items():
        source = tmp_path / ("a.nii.gz" if data[:2] == b"\x1f\x8b" else "a.nii")
        source.write_bytes(data)
        start = time.process_time()
        with pytest.raises(QuarantineError):
            nifti.clean(source, tmp_path / "b.nii.gz", who)
        assert time.process_time() - start < 3, name
        assert not (tmp_path / "b.nii.gz").exists()
    (tmp_path / "a.nii").write_bytes(good)
    with pytest.raises(QuarantineError):
        nifti.clean(tmp_path / "a.nii", tmp_path / "b.nii", replace(who, limits=Limits(max_decoded_bytes=100)))


@pytest.mark.real
def test_real_volumes(tmp_path, who, shared_data):
    for source in sorted((shared_data / "volumes").glob("*.nii.gz"))[:3]:
        nifti.clean(source, tmp_path / "b.nii.gz", who)
        old, new = nib.load(source), nib.load(tmp_path / "b.nii.gz")
        assert (np.asanyarray(old.dataobj) == np.asanyarray(new.dataobj)).all()
        np.testing.assert_array_equal(old.affine, new.affine)
