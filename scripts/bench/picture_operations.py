"""What the rows of picture operations time: each operation of the ECVL face, and the same of its peers."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as vision

from deephealth import ecvl
from deephealth.ecvl import ColorType, Image, InterpolationType

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # no look at the network when it is imported
Call = Callable[[], Any]
MEAN, STD = [110.0, 100.0, 90.0], [60.0, 50.0, 40.0]
NAMES = (
    "ResizeDim linear",
    "ResizeDim cubic",
    "ResizeDim nearest",
    "ResizeDim area",
    "Flip2D",
    "Mirror2D",
    "Transpose",
    "CenterCrop",
    "Pad",
    "HConcat",
    "VConcat",
    "Rotate2D linear",
    "Rotate2D nearest",
    "RotateFullImage2D",
    "GridDistortion",
    "ElasticTransform",
    "OpticalDistortion",
    "ChangeColorSpace RGB to GRAY",
    "ChangeColorSpace RGB to BGR",
    "ChangeColorSpace GRAY to RGB",
    "GammaContrast",
    "Normalize",
    "ScaleTo",
    "Threshold",
    "GaussianBlur",
    "Filter2D",
    "SeparableFilter2D",
    "Morphology MORPH_DILATE",
    "Morphology MORPH_OPEN",
    "CoarseDropout",
    "SaltAndPepper",
    "MeanStdDev",
    "OtsuThreshold",
    "ConnectedComponentsLabeling",
    "IntegralImage",
)  # of all cases, known before any of their libraries is imported
RANDOM = None  # the tolerance of operations that differ by nature


@dataclass(frozen=True)
class Case:
    """One operation.

    Args:
        name: of the operation.
        ours_timed: the call that is timed.
        peers: name -> the same of a peer.
        tolerance: mean difference in grey levels that counts as equal; ``None`` for random operations.
        scale: what kornia's results are multiplied with to be grey levels.
    """

    name: str
    ours_timed: Call
    peers: dict[str, Call]
    tolerance: float | None = 1.0
    scale: float = 255.0

    def ours(self) -> np.ndarray:
        """Return our result as H x W x C, or as numbers."""
        result = self.ours_timed()
        return _hwc(result) if isinstance(result, Image) else np.asarray(result, np.float64)

    def picture(self, name: str, result: Any) -> np.ndarray:
        """Return a peer's result as H x W x C, or as numbers."""
        if isinstance(result, torch.Tensor):
            array = result.numpy() * (self.scale if name == "kornia" else 1)
            array = array[0] if array.ndim == 4 else array
            return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
        return np.asarray(result)


@dataclass
class Material:
    """The picture in every form."""

    size: int
    hwc: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (self.size, self.size, 3), dtype=np.uint8)
        smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
        self.hwc = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        self.grey = cv2.cvtColor(self.hwc, cv2.COLOR_RGB2GRAY)
        self.image, self.grey_image = as_image(self.hwc), as_image(self.grey[:, :, None])
        self.floats = self.hwc.astype(np.float32)
        self.float_image = as_image(self.floats)
        self.chw = torch.from_numpy(self.hwc).permute(2, 0, 1).contiguous()
        self.grey_chw = torch.from_numpy(self.grey)[None]
        self.batch = self.chw[None].float() / 255
        self.grey_batch = self.grey_chw[None].float() / 255
        self.float_chw = self.chw.float()


def as_image(hwc: np.ndarray) -> Image:
    """Return an image over interleaved memory, as a codec leaves it."""
    image = Image.empty()
    colortype = ColorType.RGB if hwc.shape[2] == 3 else ColorType.GRAY
    image.rebind(hwc.copy().transpose(1, 0, 2), channels="xyc", colortype=colortype)
    return image


def cases(size: int) -> Iterator[Case]:
    """Yield all cases; peers that are not installed are left out."""
    material = Material(size)
    for group in (resizing, moving, warping, colour, intensity, filtering, random, analysis):
        for case in group(material):
            yield Case(
                case.name,
                case.ours_timed,
                {name: call for name, call in case.peers.items() if call is not None},
                case.tolerance,
                case.scale,
            )


def ours(name: str, source: Any, *arguments: Any, **options: Any) -> Call:
    """Return a call of one of our operations that returns its result."""
    function = getattr(ecvl, name)

    def call() -> Image:
        result = Image.empty()
        function(source, result, *arguments, **options)
        return result

    return call


def kornia(path: str, *arguments: Any, **options: Any) -> Call | None:
    """Return a call of a kornia function, or ``None`` without kornia."""
    module = _module("kornia")
    if module is None:
        return None
    for part in path.split("."):
        module = getattr(module, part)
    return partial(module, *arguments, **options)


def albumentations(name: str, picture: np.ndarray, **options: Any) -> Call | None:
    """Return a call of an albumentations transform, or ``None`` without albumentations."""
    module = _module("albumentations")
    if module is None:
        return None
    transform = getattr(module, name)(p=1, **options)
    return lambda: transform(image=picture)["image"]


def resizing(m: Material) -> Iterator[Case]:
    """Resizing."""
    half, large = m.size // 2, m.size * 5 // 4
    kinds = [
        ("linear", half, cv2.INTER_LINEAR, InterpolationMode.BILINEAR, "bilinear"),
        ("cubic", large, cv2.INTER_CUBIC, InterpolationMode.BICUBIC, "bicubic"),
        ("nearest", half, cv2.INTER_NEAREST, InterpolationMode.NEAREST, "nearest"),
        ("area", half, cv2.INTER_AREA, None, "area"),
    ]
    for name, to, flag, mode, kind in kinds:
        size = [to, to]
        peers: dict[str, Any] = {
            "opencv": partial(cv2.resize, m.hwc, (to, to), interpolation=flag),
            "kornia": kornia("geometry.transform.resize", m.batch, (to, to), interpolation=kind),
            "albumentations": albumentations("Resize", m.hwc, height=to, width=to, interpolation=flag),
        }
        if mode is not None:
            peers["torchvision"] = partial(vision.resize, m.chw, size, interpolation=mode, antialias=False)
        yield Case(f"ResizeDim {name}", ours("ResizeDim", m.image, size, InterpolationType[name]), peers, 1.5)


def moving(m: Material) -> Iterator[Case]:
    """What only moves pixels."""
    peers: dict[str, Any] = {
        "opencv": partial(cv2.flip, m.hwc, 0),
        "torchvision": partial(vision.vertical_flip, m.chw),
        "kornia": kornia("geometry.transform.vflip", m.batch),
        "albumentations": albumentations("VerticalFlip", m.hwc),
    }
    yield Case("Flip2D", ours("Flip2D", m.image), peers)
    peers = {
        "opencv": partial(cv2.flip, m.hwc, 1),
        "torchvision": partial(vision.horizontal_flip, m.chw),
        "kornia": kornia("geometry.transform.hflip", m.batch),
        "albumentations": albumentations("HorizontalFlip", m.hwc),
    }
    yield Case("Mirror2D", ours("Mirror2D", m.image), peers)
    peers = {
        "opencv": partial(cv2.transpose, m.hwc),
        "torchvision": lambda: m.chw.transpose(1, 2).contiguous(),
        "albumentations": albumentations("Transpose", m.hwc),
    }
    yield Case("Transpose", ours("Transpose", m.image), peers)
    to, start = m.size * 3 // 4, m.size // 8
    peers = {
        "opencv": lambda: m.hwc[start : start + to, start : start + to].copy(),
        "torchvision": lambda: vision.center_crop(m.chw, [to, to]).contiguous(),
        "kornia": kornia("geometry.transform.center_crop", m.batch, (to, to)),
        "albumentations": albumentations("CenterCrop", m.hwc, height=to, width=to),
    }
    yield Case("CenterCrop", ours("CenterCrop", m.image, [to, to]), peers)
    peers = {
        "opencv": partial(cv2.copyMakeBorder, m.hwc, 16, 16, 16, 16, cv2.BORDER_REFLECT_101),
        "torchvision": partial(vision.pad, m.chw, [16], padding_mode="reflect"),
        "albumentations": albumentations(
            "PadIfNeeded", m.hwc, min_height=m.size + 32, min_width=m.size + 32, border_mode=cv2.BORDER_REFLECT_101
        ),
    }
    yield Case("Pad", ours("Pad", m.image, [16], ecvl.BorderType.BORDER_REFLECT_101), peers)
    for name, axis, join in (("HConcat", 2, cv2.hconcat), ("VConcat", 1, cv2.vconcat)):
        peers = {
            "opencv": partial(join, [m.hwc, m.hwc]),
            "torchvision": partial(torch.cat, [m.chw, m.chw], dim=axis),
        }
        yield Case(name, ours(name, [m.image, m.image]), peers)


def warping(m: Material) -> Iterator[Case]:
    """Rotations and distortions."""
    middle = (m.size / 2, m.size / 2)
    matrix = cv2.getRotationMatrix2D(middle, -30, 1)
    for name, flag, mode in (
        ("linear", cv2.INTER_LINEAR, InterpolationMode.BILINEAR),
        ("nearest", cv2.INTER_NEAREST, InterpolationMode.NEAREST),
    ):
        peers: dict[str, Any] = {
            "opencv": partial(cv2.warpAffine, m.hwc, matrix, (m.size, m.size), flags=flag),
            "torchvision": partial(vision.rotate, m.chw, -30, interpolation=mode),
            "kornia": kornia("geometry.transform.rotate", m.batch, torch.tensor([-30.0]), mode=_kornia_mode(name)),
            "albumentations": albumentations("Rotate", m.hwc, limit=(-30, -30), interpolation=flag),
        }
        yield Case(f"Rotate2D {name}", ours("Rotate2D", m.image, 30, None, 1.0, InterpolationType[name]), peers, 6)
    to = round(m.size * (abs(matrix[0, 0]) + abs(matrix[0, 1])))
    whole = matrix + [[0, 0, to // 2 - m.size / 2]] * 2
    peers = {
        "opencv": partial(cv2.warpAffine, m.hwc, whole, (to, to)),
        "torchvision": partial(vision.rotate, m.chw, -30, interpolation=InterpolationMode.BILINEAR, expand=True),
    }
    yield Case("RotateFullImage2D", ours("RotateFullImage2D", m.image, 30), peers, 6)
    peers = {"albumentations": albumentations("GridDistortion", m.hwc, num_steps=5, normalized=False)}
    yield Case("GridDistortion", ours("GridDistortion", m.image, 5), peers, RANDOM)
    peers = {
        "torchvision": lambda: _elastic(m.chw),
        "albumentations": albumentations("ElasticTransform", m.hwc, alpha=34, sigma=4),
    }
    yield Case("ElasticTransform", ours("ElasticTransform", m.image, 34, 4), peers, RANDOM)
    peers = {"albumentations": albumentations("OpticalDistortion", m.hwc, distort_limit=(-0.3, 0.3))}
    yield Case("OpticalDistortion", ours("OpticalDistortion", m.image), peers, RANDOM)


def colour(m: Material) -> Iterator[Case]:
    """Colour spaces."""
    peers: dict[str, Any] = {
        "opencv": partial(cv2.cvtColor, m.hwc, cv2.COLOR_RGB2GRAY),
        "torchvision": partial(vision.rgb_to_grayscale, m.chw),
        "kornia": kornia("color.rgb_to_grayscale", m.batch),
        "albumentations": albumentations("ToGray", m.hwc, num_output_channels=1),
    }
    yield Case("ChangeColorSpace RGB to GRAY", ours("ChangeColorSpace", m.image, ColorType.GRAY), peers)
    peers = {
        "opencv": partial(cv2.cvtColor, m.hwc, cv2.COLOR_RGB2BGR),
        "torchvision": lambda: m.chw.flip(0),
        "kornia": kornia("color.rgb_to_bgr", m.batch),
    }
    yield Case("ChangeColorSpace RGB to BGR", ours("ChangeColorSpace", m.image, ColorType.BGR), peers)
    peers = {
        "opencv": partial(cv2.cvtColor, m.grey, cv2.COLOR_GRAY2RGB),
        "torchvision": partial(vision.grayscale_to_rgb, m.grey_chw) if hasattr(vision, "grayscale_to_rgb") else None,
        "kornia": kornia("color.grayscale_to_rgb", m.grey_batch),
    }
    yield Case("ChangeColorSpace GRAY to RGB", ours("ChangeColorSpace", m.grey_image, ColorType.RGB), peers)


def intensity(m: Material) -> Iterator[Case]:
    """Grey values."""
    table = ((np.arange(256) / 255) ** 1.5 * 255).astype(np.uint8)
    peers: dict[str, Any] = {
        "opencv": partial(cv2.LUT, m.hwc, table),
        "torchvision": partial(vision.adjust_gamma, m.chw, 1.5),
        "kornia": kornia("enhance.adjust_gamma", m.batch, 1.5),
        "albumentations": albumentations("RandomGamma", m.hwc, gamma_limit=(150, 150)),
    }
    yield Case("GammaContrast", ours("GammaContrast", m.image, 1.5), peers)
    low, high = np.array(MEAN, np.float32), np.array(STD, np.float32)
    peers = {
        "opencv": lambda: cv2.divide(cv2.subtract(m.floats, (*MEAN, 0)), (*STD, 1)),
        "torchvision": partial(vision.normalize, m.float_chw, MEAN, STD),
        "kornia": kornia("enhance.normalize", m.float_chw[None], torch.from_numpy(low), torch.from_numpy(high)),
        "albumentations": albumentations("Normalize", m.floats, mean=MEAN, std=STD, max_pixel_value=1.0),
    }
    yield Case("Normalize", ours("Normalize", m.float_image, MEAN, STD), peers, 1e-3, 1.0)
    peers = {
        "opencv": lambda: cv2.convertScaleAbs(m.hwc, alpha=190 / 255, beta=10),
    }
    yield Case("ScaleTo", ours("ScaleTo", m.image, 10, 200), peers)
    peers = {
        "opencv": lambda: cv2.threshold(m.hwc, 120, 255, cv2.THRESH_BINARY)[1],
        "torchvision": lambda: (m.chw > 120).to(torch.uint8) * 255,
    }
    yield Case("Threshold", ours("Threshold", m.image, 120, 255), peers)


def filtering(m: Material) -> Iterator[Case]:
    """Filters."""
    peers: dict[str, Any] = {
        "opencv": partial(cv2.GaussianBlur, m.hwc, (5, 5), 1.2, borderType=cv2.BORDER_REPLICATE),
        "torchvision": partial(vision.gaussian_blur, m.chw, [5, 5], [1.2, 1.2]),
        "kornia": kornia("filters.gaussian_blur2d", m.batch, (5, 5), (1.2, 1.2)),
        "albumentations": albumentations("GaussianBlur", m.hwc, blur_limit=(5, 5), sigma_limit=(1.2, 1.2)),
    }
    yield Case("GaussianBlur", ours("GaussianBlur", m.image, 5, 5, 1.2), peers)
    box = np.full((3, 3), 1 / 9)
    kernel = Image.fromarray(box[:, :, None], "xyc", ColorType.GRAY)
    peers = {
        "opencv": partial(cv2.filter2D, m.hwc, -1, box, borderType=cv2.BORDER_REPLICATE),
        "kornia": kornia("filters.filter2d", m.batch, torch.from_numpy(box).float()[None]),
    }
    yield Case("Filter2D", ours("Filter2D", m.image, kernel), peers)
    taps = [0.25, 0.5, 0.25]
    peers = {
        "opencv": partial(cv2.sepFilter2D, m.hwc, -1, np.array(taps), np.array(taps), borderType=cv2.BORDER_REPLICATE),
        "kornia": kornia("filters.filter2d_separable", m.batch, torch.tensor([taps]), torch.tensor([taps])),
    }
    yield Case("SeparableFilter2D", ours("SeparableFilter2D", m.image, taps, taps), peers)
    square = np.ones((5, 5), np.uint8)
    element = Image.fromarray(square[:, :, None], "xyc", ColorType.GRAY)
    for name, flag, function in (
        ("MORPH_DILATE", cv2.MORPH_DILATE, "morphology.dilation"),
        ("MORPH_OPEN", cv2.MORPH_OPEN, "morphology.opening"),
    ):
        peers = {
            "opencv": partial(cv2.morphologyEx, m.hwc, flag, square, borderType=cv2.BORDER_CONSTANT, borderValue=0),
            "kornia": kornia(function, m.batch, torch.ones(5, 5)),
        }
        yield Case(f"Morphology {name}", ours("Morphology", m.image, ecvl.MorphType[name], element), peers)


def random(m: Material) -> Iterator[Case]:
    """Noise."""
    options = {"num_holes_range": (25, 25), "hole_height_range": (26, 26), "hole_width_range": (26, 26)}
    peers: dict[str, Any] = {"albumentations": albumentations("CoarseDropout", m.hwc, **options)}
    yield Case("CoarseDropout", ours("CoarseDropout", m.image, 0.06, 0.05, False), peers, RANDOM)
    peers = {"albumentations": albumentations("SaltAndPepper", m.hwc, amount=(0.05, 0.05))}
    yield Case("SaltAndPepper", ours("SaltAndPepper", m.image, 0.05), peers, RANDOM)


def analysis(m: Material) -> Iterator[Case]:
    """Numbers of a picture, and labels."""
    blobs = ((m.grey > 150) * 255).astype(np.uint8)
    blob_image = as_image(blobs[:, :, None])
    peers: dict[str, Any] = {
        "opencv": lambda: np.stack(cv2.meanStdDev(m.hwc))[:, :, 0],
        "torchvision": lambda: np.stack([part.numpy() for part in torch.std_mean(m.float_chw, (1, 2))[::-1]]),
    }
    yield Case("MeanStdDev", lambda: ecvl.MeanStdDev(m.image), peers, 0.01)
    peers = {"opencv": lambda: cv2.threshold(m.grey, 0, 255, cv2.THRESH_OTSU)[0]}
    yield Case("OtsuThreshold", lambda: ecvl.OtsuThreshold(m.grey_image), peers, 1)
    peers = {"opencv": lambda: cv2.connectedComponents(blobs, connectivity=8)[1] > 0}
    yield Case("ConnectedComponentsLabeling", ours("ConnectedComponentsLabeling", blob_image), peers, RANDOM)
    peers = {"opencv": partial(cv2.integral, m.grey, sdepth=cv2.CV_64F)}
    yield Case("IntegralImage", ours("IntegralImage", m.grey_image), peers, 0)


def _elastic(chw: torch.Tensor) -> torch.Tensor:
    noise = torch.rand(1, 2, *chw.shape[1:]) * 2 - 1
    field = vision.gaussian_blur(noise, [17, 17], [4.0, 4.0])[0].permute(1, 2, 0)[None] * 34
    return vision.elastic(chw, field * 2 / chw.shape[1])


def _kornia_mode(name: str) -> str:
    return "bilinear" if name == "linear" else name


def _hwc(image: Image) -> np.ndarray:
    array = np.array(image)
    return array.transpose([image.channels_.index(letter) for letter in "yxc"])


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
