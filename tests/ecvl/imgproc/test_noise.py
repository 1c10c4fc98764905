"""Noise: its distribution, that seeds repeat it, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.noise import (
    AdditiveLaplaceNoise,
    AdditivePoissonNoise,
    CoarseDropout,
    Pepper,
    Salt,
    SaltAndPepper,
)
from deephealth.ecvl.imgproc.sampling import WholeNumbers, laplace_floor, poisson
from deephealth.ecvl.strictness import strict_mode


def flat(value: float, dtype: str = "uint8", shape: tuple[int, ...] = (200, 150, 3), layout: str = "yxc") -> Image:
    return Image.fromarray(np.full(shape, value, dtype), layout, ColorType.none)


def chance(found: np.ndarray, cumulative: object, low: int, high: int) -> float:
    """Return the chi-square test's p for counts of whole numbers against a distribution function."""
    inner = np.arange(low, high)
    ends = np.array([cumulative(number) for number in inner])
    parts = np.diff(np.concatenate([[0.0], ends, [1.0]]))
    counts = np.bincount(np.searchsorted(inner, found.ravel()), minlength=len(parts))
    return float(stats.chisquare(counts, parts * found.size).pvalue)


@pytest.mark.parametrize("scale", [0.3, 2.0, 10.0])
def test_laplace_noise_on_bytes_is_the_cut_sum(scale):
    image = flat(128)
    AdditiveLaplaceNoise(image, image, scale, rng=np.random.default_rng(1))
    reach = int(4 * scale) + 1
    found = np.array(image).astype(int) - 128
    assert chance(found, lambda n: stats.laplace(scale=scale).cdf(n + 1), -reach, reach) > 1e-4


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_laplace_noise_on_other_types(dtype):
    image = flat(1000, dtype)
    AdditiveLaplaceNoise(image, image, 40.0, rng=np.random.default_rng(2))
    found = np.array(image).astype(np.float64) - 1000
    assert image.elemtype_ is DataType[dtype]
    assert abs(found.std() - 40 * np.sqrt(2)) < 1
    assert abs(found.mean() + (0.5 if dtype.startswith("int") else 0)) < 1


@pytest.mark.parametrize("mean", [0.4, 8.0, 90.0])
def test_poisson_noise_has_its_distribution(mean):
    image, spread = flat(0), 3 * np.sqrt(mean)
    AdditivePoissonNoise(image, image, mean, rng=np.random.default_rng(3))
    low, high = max(int(mean - spread), 0), int(mean + spread) + 1
    assert chance(np.array(image), stats.poisson(mean).cdf, low, high) > 1e-4
    wide = flat(5, "float64")
    AdditivePoissonNoise(wide, wide, mean, rng=np.random.default_rng(3))
    assert abs(np.array(wide).mean() - 5 - mean) < 0.2


def test_noise_is_clamped_to_the_type():
    for value in (3, 253):
        image = flat(value)
        AdditiveLaplaceNoise(image, image, 20.0, rng=np.random.default_rng(4))
        found = np.array(image).astype(int)
        assert {0, 255} & set(found.ravel().tolist())
        assert abs(np.median(found) - value) <= 1
    image = flat(250)
    AdditivePoissonNoise(image, image, 300.0)
    assert np.array(image).min() == 255


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=20), st.integers(-300, 300), st.integers(0, 9999))
def test_whole_numbers_follow_the_table_of_16_bits_to_the_end(weights, first, seed):
    cumulative = np.cumsum(weights) / sum(weights)
    cumulative[-1] = 1.0
    drawn = WholeNumbers(cumulative, first).draw(4000, np.random.default_rng(seed))
    exact = np.diff(cumulative, prepend=0)
    counts = np.bincount(drawn.ravel().astype(int) - first, minlength=len(exact))
    assert drawn.shape == (1, 4000)
    assert len(counts) == len(exact)
    assert np.all(np.abs(counts - 4000 * exact) <= 6.5 * np.sqrt(4000 * exact * (1 - exact)) + 6)


def test_rare_numbers_beyond_the_tables_resolution_are_drawn():
    rare = WholeNumbers(np.array([1 - 2.0**-18, 1.0]), 0)
    drawn = rare.draw(1 << 22, np.random.default_rng(0)).sum()
    assert 2 <= drawn <= 40  # 16 on average
    assert poisson(3.0).table.dtype == np.uint8
    assert laplace_floor(3.0).table.dtype == np.int16


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "float32"])
def test_salt_and_pepper_have_their_shares(per_channel, dtype):
    bright = {"int8": -1}.get(dtype, 255)
    for function, wanted in ((Salt, (0.3, 0)), (Pepper, (0, 0.3)), (SaltAndPepper, (0.15, 0.15))):
        image = flat(7, dtype)
        function(image, image, 0.3, per_channel, 9)
        found = np.array(image)
        together = [float((found == value).mean()) for value in (bright, 0)]
        assert together == pytest.approx(wanted, abs=0.012)
        assert set(np.unique(found)) <= {bright, 0, 7}
        alike = (found == found[:, :, :1]).all()
        assert alike != per_channel


@pytest.mark.parametrize(("p", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_never_and_always(p, share):
    for function in (Salt, Pepper, SaltAndPepper):
        for per_channel in (False, True):
            image = flat(7)
            function(image, image, p, per_channel)
            assert (np.array(image) != 7).mean() == share
    image = flat(7)
    CoarseDropout(image, image, p, 0.1, False)
    assert (np.array(image) == 0).mean() == share


def test_one_seed_gives_one_result_for_every_memory_order_and_layout():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    operations = [
        lambda image: Salt(image, image, 0.3, seed=5),
        lambda image: SaltAndPepper(image, image, 0.3, True, 5),
        lambda image: AdditiveLaplaceNoise(image, image, 5, rng=np.random.default_rng(5)),
        lambda image: AdditivePoissonNoise(image, image, 5, rng=np.random.default_rng(5)),
        lambda image: CoarseDropout(image, image, 0.4, 0.2, False, rng=np.random.default_rng(5)),
    ]
    for operation in operations:
        found = []
        for layout in ("yxc", "xyc", "cxy"):
            image = Image.fromarray(pixels.transpose(["yxc".index(axis) for axis in layout]), layout, ColorType.RGB)
            operation(image)
            assert image.channels_ == layout
            found.append(np.array(image).transpose([layout.index(axis) for axis in "yxc"]))
        assert np.array_equal(found[0], found[1])
        assert np.array_equal(found[0], found[2])
        assert not np.array_equal(found[0], pixels)


def test_the_shared_generator_is_used_without_a_seed():
    found = []
    for _ in range(2):
        image = flat(9)
        with draws.using(draws.substream(3)):
            Salt(image, image, 0.5)
            AdditivePoissonNoise(image, image, 2.0)
            CoarseDropout(image, image, 0.5, 0.1, True)
        found.append(np.array(image))
    assert np.array_equal(*found)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(("p", "size"), [(0.2, 0.2), (0.5, 0.01), (0.5, 0.0), (0.5, 3.0)])
def test_dropout_blanks_cells_of_a_grid(dtype, p, size):
    image = flat(5, dtype, (50, 70, 3))
    CoarseDropout(image, image, p, size, False, rng=np.random.default_rng(8))
    found = np.array(image)
    high, wide = (max(int(extent * min(size, 1)), 1) for extent in (50, 70))
    for top in range(0, 50, high):
        for left in range(0, 70, wide):
            assert len(np.unique(found[top : top + high, left : left + wide])) == 1
    if size < 1:
        assert abs((found == 0).mean() - p) < 0.2


def test_dropout_per_channel_shares_the_probability():
    image = flat(5, shape=(200, 200, 3))
    CoarseDropout(image, image, 0.6, 0.01, True, rng=np.random.default_rng(8))
    share = (np.array(image) == 0).mean(axis=(0, 1))
    assert share == pytest.approx([0.2] * 3, abs=0.03)


def test_dropout_comes_back_in_xy_order_in_strict_mode():
    for strict, layout in ((False, "cyx"), (True, "xyc")):
        image = Image.fromarray(np.ones((3, 5, 4), np.uint8), "cyx", ColorType.RGB, [1, 2, 3])
        with strict_mode(strict):
            CoarseDropout(image, image, 0.5, 0.3, False)
        assert image.channels_ == layout
        assert image.spacings_ == ([3, 2, 1] if strict else [1, 2, 3])


def test_volumes_over_time_are_drawn_pixel_by_pixel():
    image = flat(5, shape=(8, 9, 4, 3), layout="yxzt")
    Salt(image, image, 0.5, seed=2)
    found = np.array(image)
    assert (found == found[:, :, :1, :1]).all()
    assert image.channels_ == "yxzt"


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(wrong):
    for call in (Salt, Pepper, SaltAndPepper):
        with pytest.raises(EcvlError, match="probability"):
            call(flat(1), Image.empty(), wrong)
    with pytest.raises(EcvlError, match="probability"):
        CoarseDropout(flat(1), Image.empty(), wrong, 0.1, False)
    with pytest.raises(EcvlError, match="drop_size"):
        CoarseDropout(flat(1), Image.empty(), 0.5, wrong - 2, False)
    for call in (AdditiveLaplaceNoise, AdditivePoissonNoise):
        for value in (0, -1, float("nan")):
            with pytest.raises(EcvlError, match="above 0"):
                call(flat(1), Image.empty(), value)


@pytest.mark.parametrize(("layout", "shape"), [("xyzt", (5, 4, 3, 2)), ("cxyz", (3, 5, 4, 2)), ("xyzc", (5, 4, 2, 3))])
def test_strict_salt_changes_the_first_volume_only(layout, shape):
    for mode in (False, True):
        src, dst = flat(7, shape=shape, layout=layout), Image.empty()
        with strict_mode(mode):
            Salt(src, dst, 1.0)
        found = np.array(dst)
        axis = layout.index("c" if "c" in layout else "z")
        others = [at for at, letter in enumerate(layout) if letter not in "xy" and at != axis]
        first = found.take(0, axis=others[0])
        rest = found.take(range(1, shape[others[0]]), axis=others[0])
        assert (first == 255).all()
        assert (rest == (7 if mode else 255)).all()


def test_strict_dropout_leaves_xyc_without_metadata():
    src, dst = flat(7, shape=(3, 5, 4), layout="cyx"), Image.empty()
    src.spacings_, src.meta_ = [3, 2, 1], {"key": 1}
    for mode in (False, True):
        with strict_mode(mode):
            CoarseDropout(src, dst, 0.0, 0.5, False)
        wanted = ("xyc", [1, 2, 3], []) if mode else ("cyx", [3, 2, 1], ["key"])
        assert (dst.channels_, dst.spacings_, sorted(dst.meta_)) == wanted
