"""The undamaged files that mutations start from: made at run time, or shipped with pydicom; all small."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["FORMATS", "make_seeds"]

_LARGEST = 120_000
_RNG = np.random.default_rng(4)
_PHOTO = np.clip(_RNG.normal(120, 40, (12, 17, 3)).repeat(4, 0).repeat(4, 1), 0, 255).astype(np.uint8)


def make_seeds(name: str, folder: Path) -> list[Path]:
    """Write the seeds of a format into ``folder``; return them, in a fixed order."""
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(FORMATS[name](folder))


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def _encode(picture: np.ndarray, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


def _raster(folder: Path) -> list[Path]:
    grey = _PHOTO[..., 0]
    deep = grey.astype(np.uint16) * 200
    alpha = np.dstack([_PHOTO, grey])
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "rgb.png": _encode(_PHOTO, "PNG"),
        "grey.png": _encode(grey, "PNG"),
        "deep.png": _encode(deep, "PNG"),
        "alpha.png": _encode(alpha, "PNG"),
        "bits.png": _encode(grey > 99, "PNG"),
        "rgb.jpg": _encode(_PHOTO, "JPEG"),
        "progressive.jpg": _encode(_PHOTO, "JPEG", progressive=True, exif=exif),
        "grey.jpg": _encode(grey, "JPEG"),
        "rgb.bmp": _encode(_PHOTO, "BMP"),
        "rgb.webp": _encode(_PHOTO, "WEBP"),
        "raw.tif": _encode(_PHOTO, "TIFF"),
        "deep.tif": _encode(deep, "TIFF"),
        "rgb.jp2": _encode(_PHOTO, "JPEG2000"),
        "rgb.gif": _encode(grey, "GIF"),
        "rgb.ppm": _encode(_PHOTO, "PPM"),
    }
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        picture = grey > 99 if compression == "group4" else _PHOTO
        files[f"{compression}.tif"] = _encode(picture, "TIFF", compression=compression)
    stream = io.BytesIO()
    Image.fromarray(_PHOTO).convert("CMYK").save(stream, "JPEG")
    files["cmyk.jpg"] = stream.getvalue()
    stream = io.BytesIO()
    Image.fromarray(_PHOTO).save(stream, "TIFF", save_all=True, append_images=[Image.fromarray(grey)] * 2)
    files["pages.tif"] = stream.getvalue()
    return _write(folder, files)


def _svs(folder: Path) -> list[Path]:
    import tifffile

    levels = [_PHOTO.repeat(3, 0).repeat(3, 1)[:: 2**n, :: 2**n] for n in range(3)]
    about = "Aperio Image Library v11.2.1\n204x144 [0,0 204x144] (64x64) JPEG/RGB Q=70|AppMag = 20|MPP = 0.499"
    made = []
    for name, compression, big in (
        ("jpeg", "jpeg", False),
        ("deflate", "deflate", False),
        ("raw", None, False),
        ("big", None, True),
    ):
        path = folder / f"{name}.svs"
        with tifffile.TiffWriter(path, bigtiff=big) as tiff:
            for number, level in enumerate(levels):
                text = about if number == 0 else f"{about}\nlevel {number}"
                tiff.write(
                    level, tile=(64, 64), compression=compression, photometric="rgb", description=text, metadata=None
                )
        made.append(path)
    return made


def _nifti(folder: Path) -> list[Path]:
    import nibabel as nib

    affine = np.array([[-2.0, 0, 0, 10], [0, 1.5, 0.2, -5], [0, -0.2, 3, 7], [0, 0, 0, 1]])
    whole = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
    made = []
    images = {
        "int16.nii": nib.Nifti1Image(whole, affine),
        "float.nii.gz": nib.Nifti1Image(whole.astype(np.float32), affine),
        "time.nii": nib.Nifti1Image(np.repeat(whole[..., None], 3, 3).astype(np.uint8), affine),
        "two.nii": nib.Nifti2Image(whole.astype(np.float64), affine),
        "two.nii.gz": nib.Nifti2Image(whole, affine),
        "big.nii": nib.Nifti1Image(whole.astype(">i2"), affine, nib.Nifti1Header(endianness=">")),
        "rgb.nii": nib.Nifti1Image(
            _RNG.integers(0, 255, (6, 5, 4, 3), np.uint8).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0], affine
        ),
    }
    scaled = nib.Nifti1Image(whole, affine)
    scaled.header.set_slope_inter(2.5, -1000)
    images["scaled.nii"] = scaled
    for name, image in images.items():
        nib.save(image, folder / name)
        made.append(folder / name)
    return made


def _series(folder: Path) -> list[Path]:
    """One slice of a series of three; the other two stand beside the damaged one when it is read."""
    import pydicom
    from pydicom.data import get_testdata_file

    made = []
    for number in range(3):
        data = pydicom.dcmread(get_testdata_file("MR_small.dcm", download=False))
        data.ImagePositionPatient = [0.0, 0.0, 2.5 * number]
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        data.InstanceNumber = number
        data.save_as(folder / f"slice{number}.dcm")
        made.append(folder / f"slice{number}.dcm")
    return made


def _dicom(folder: Path) -> list[Path]:
    return _pydicom(folder, lambda name: not name.startswith(("rt", "liver", "report", "waveform")))


def _seg(folder: Path) -> list[Path]:
    return _pydicom(folder, lambda name: name.startswith("liver"))


def _rtstruct(folder: Path) -> list[Path]:
    return _pydicom(folder, lambda name: name.startswith("rtstruct"))


def _slide_dicom(folder: Path) -> list[Path]:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

    made = []
    tiles = [_PHOTO[row : row + 16, column : column + 16] for row in (0, 16, 32) for column in (0, 16, 32, 48)]
    for name, jpeg in (("jpeg.dcm", True), ("stored.dcm", False)):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
        data.SeriesInstanceUID, data.Modality = "1.2.3", "SM"
        data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        data.Rows = data.Columns = 16
        data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns = 48, 64
        data.SamplesPerPixel, data.PlanarConfiguration = 3, 0
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation = 7, 0
        data.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
        data.DimensionOrganizationType = "TILED_FULL"
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing = [0.002, 0.001]
        shared.PixelMeasuresSequence = [measures]
        data.SharedFunctionalGroupsSequence = [shared]
        data.NumberOfFrames = len(tiles)
        if jpeg:
            data.PixelData = encapsulate([_encode(tile, "JPEG", quality=80) for tile in tiles])
        else:
            data.PixelData = b"".join(tile.tobytes() for tile in tiles)
        data.save_as(folder / name, enforce_file_format=True)
        made.append(folder / name)
    return made


def _pydicom(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    import pydicom.data

    here = Path(pydicom.data.__file__).parent / "test_files"
    found = [path for path in here.glob("*.dcm") if wanted(path.name) and path.stat().st_size <= _LARGEST]
    return _write(folder, {path.name: path.read_bytes() for path in found})


def _itk(folder: Path) -> list[Path]:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.arange(120, dtype=np.int16).reshape(4, 5, 6))
    image.SetSpacing((1.0, 2.0, 3.0))
    colour = SimpleITK.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True)
    made = []
    for name, compressed, what in (
        ("raw.nrrd", False, image),
        ("gz.nrrd", True, image),
        ("raw.mha", False, image),
        ("gz.mha", True, image),
        ("rgb.mha", False, colour),
        ("rgb.nrrd", True, colour),
    ):
        SimpleITK.WriteImage(what, str(folder / name), compressed)
        made.append(folder / name)
    return made


_YAML_CLASSES = b"""name: skin
description: two classes
classes: [benign, malignant]
features: [age, site]
images:
  - location: a.png
    label: benign
    values: {age: 40, site: arm}
  - location: [b.png, c.png]
    label: [0, 1]
    values: [41, null]
  - location: sub/d.png
    label: 1
  - e.png
split:
  training: [0, 1]
  validation: [2]
  test: [3]
"""
_YAML_MASKS = b"""name: "masks"
images:
  - location: a.png
    label: a_mask.png
  - {location: b.png, label: sub/b_mask.png}
split: {training: [0], test: [1]}
"""


def _yaml(folder: Path) -> list[Path]:
    return _write(folder, {"classes.yml": _YAML_CLASSES, "masks.yml": _YAML_MASKS})


_AUGMENTATIONS = (
    b"SequentialAugmentationContainer\n    AugRotate angle=[-5,5] center=(0,0) scale=0.5 interp=\"nearest\"\n"
    b"    AugAdditivePoissonNoise lambda=[0,10]\n    OneOfAugmentationContainer p=0.3\n        AugMirror p=0.5\n"
    b"        AugGammaContrast gamma=[3,5]\n    end\n    AugNormalize mean=(0.1,0.2,0.3) std=(1,2,3)\nend",
    b"AugResizeDim dims=(7,9) interp=\"area\" gt_interp=\"linear\"",
    b"AugCoarseDropout p=[0,0.55] drop_size=[0.02,0.1] per_channel=0",
    b"AugRandomCrop size=(1,1) border_type=\"constant\" border_value=0",
    b"AugGridDistortion num_steps=[5,10] distort_limit=[-0.2,0.2] interp=\"linear\" border_type=\"reflect_101\"",
    b"AugElasticTransform alpha=[34,60] sigma=[4,6]",
    b"AugToFloat32 divisor=255 divisor_gt=255",
    b"AugDivBy255",
    b"AugCenterCrop size=(10,20)",
)  # fmt: skip


def _augmentation(folder: Path) -> list[Path]:
    return _write(folder, {f"{number:02d}.txt": text for number, text in enumerate(_AUGMENTATIONS)})


def _bin(folder: Path) -> list[Path]:
    from deephealth.io.eddl_bin import encode_bin

    small, large = np.arange(6.0).reshape(2, 3), np.zeros((3, 2, 4, 5))
    return _write(folder, {"one.bin": encode_bin(small), "many.bin": encode_bin(large) + encode_bin(small)})


FORMATS: dict[str, Callable[[Path], list[Path]]] = {
    "raster": _raster,
    "svs": _svs,
    "nifti": _nifti,
    "dicom": _dicom,
    "series": _series,
    "seg": _seg,
    "rtstruct": _rtstruct,
    "slide-dicom": _slide_dicom,
    "itk": _itk,
    "yaml": _yaml,
    "augmentation": _augmentation,
    "eddl-bin": _bin,
}
"""Name of a format -> what writes its seeds."""
