"""Every operation on every layout and type gives what it gives on H x W x C, in place too, and keeps the rest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from deephealth import ecvl
from deephealth.ecvl import ColorType, DataType, Image
from deephealth.ecvl.casting import dtype_of

OPERATIONS = {
    "ResizeDim": ([5, 3],),
    "ResizeScale": ([0.5, 2.0],),
    "Flip2D": (),
    "Mirror2D": (),
    "Transpose": (),
    "Rotate2D": (33,),
    "RotateFullImage2D": (33,),
    "CenterCrop": ([3, 2],),
    "RandomCrop": ([3, 2],),
    "Pad": ([1, 2, 3, 4], 0, 5),
    "GridDistortion": (3,),
    "ElasticTransform": (),
    "OpticalDistortion": (),
    "GammaContrast": (1.5,),
    "Normalize": (3, 2),
    "ScaleTo": (0, 9),
    "ScaleFromTo": (10, 50, 0, 9),
}
RANDOM = ("RandomCrop", "GridDistortion", "ElasticTransform", "OpticalDistortion")
MOVES = ("Flip2D", "Mirror2D", "Transpose", "CenterCrop", "RandomCrop", "GammaContrast", "Normalize", "ScaleTo")
TYPES = [dt for dt in DataType if dt is not DataType.none]


def result(name: str, image: Image) -> Image:
    dst, same = Image.empty(), image.copy()
    options = {"seed": 7} if name in RANDOM else {}
    getattr(ecvl, name)(image, dst, *OPERATIONS[name], **options)
    getattr(ecvl, name)(same, same, *OPERATIONS[name], **options)
    np.testing.assert_array_equal(np.array(same), np.array(dst))
    return dst


def pictures(dt: DataType, third: str, count: int):
    """The same picture in the six orders of its axes."""
    hwc = np.random.default_rng(5).integers(0, 100, (9, 8, count)).astype(dtype_of(dt))
    for axes in itertools.permutations("yx" + third):
        letters = "".join(axes)
        array = hwc.transpose(["yx".find(letter) if letter in "yx" else 2 for letter in letters])
        yield Image.fromarray(array, letters, ColorType.none, [0.5, 0.25, 2])


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("third", "count"), [("c", 1), ("c", 3), ("o", 6), ("z", 70)])
@pytest.mark.parametrize("dt", TYPES)
def test_the_order_of_the_axes_does_not_matter(name, third, count, dt):
    if dt is DataType.int64 and name not in (*MOVES, "ScaleFromTo"):
        with pytest.raises(RuntimeError, match="int64"):
            result(name, next(pictures(dt, third, count)))
        return
    wanted = None
    for image in pictures(dt, third, count):
        image.SetMeta("patient", "A")
        found = result(name, image)
        kept = found.elemtype_, found.channels_, found.colortype_, found.GetMeta("patient").Get()
        assert kept == (dt, image.channels_, ColorType.none, "A")
        assert len(found.spacings_) == 3
        hwc = np.array(found).transpose([found.channels_.index(letter) for letter in "yx" + third])
        wanted = hwc if wanted is None else wanted
        np.testing.assert_array_equal(hwc, wanted)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_empty_image_is_refused(name):
    with pytest.raises(RuntimeError, match="empty"):
        getattr(ecvl, name)(Image.empty(), Image.empty(), *OPERATIONS[name])


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in MOVES[5:] and name != "ScaleFromTo"])
def test_a_layout_without_planes_is_refused(name):
    with pytest.raises(RuntimeError, match="axes"):
        getattr(ecvl, name)(Image([4, 3], DataType.uint8, "xy", ColorType.none), Image.empty(), *OPERATIONS[name])
