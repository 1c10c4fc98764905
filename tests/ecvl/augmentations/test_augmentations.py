"""Augmentations: text and constructors agree, draws hold, ground truth follows, wrong text is told apart."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth import ecvl
from deephealth.ecvl import AugmentationFactory, AugmentationParam, DataType, EcvlError, Image, strict_mode
from deephealth.ecvl.imgproc import draws

# text, what the constructor takes for the same, whether the ground truth changes with the image
CASES = [
    ("AugRotate angle=[-5,5] center=(3,4) scale=0.5 interp=\"cubic\" gt_interp=\"nearest\"",
     lambda: ecvl.AugRotate([-5, 5], [3, 4], 0.5, ecvl.InterpolationType.cubic), True),
    ("AugResizeDim dims=(12,9)", lambda: ecvl.AugResizeDim([12, 9]), True),
    ("AugResizeScale scale=(0.5,1.5) interp=\"area\"",
     lambda: ecvl.AugResizeScale([0.5, 1.5], ecvl.InterpolationType.area), True),
    ("AugFlip p=0.5", lambda: ecvl.AugFlip(0.5), True),
    ("AugMirror", lambda: ecvl.AugMirror(), True),
    ("AugTranspose p=1", lambda: ecvl.AugTranspose(1), True),
    ("AugGaussianBlur sigma=[0.5,2]", lambda: ecvl.AugGaussianBlur([0.5, 2]), False),
    ("AugAdditiveLaplaceNoise std_dev=[1,9]", lambda: ecvl.AugAdditiveLaplaceNoise([1, 9]), False),
    ("AugAdditivePoissonNoise lambda=[1,40]", lambda: ecvl.AugAdditivePoissonNoise([1, 40]), False),
    ("AugGammaContrast gamma=[3,5]", lambda: ecvl.AugGammaContrast([3, 5]), False),
    ("AugCoarseDropout p=[0.2,0.55] drop_size=[0.02,0.3] per_channel=0.5",
     lambda: ecvl.AugCoarseDropout([0.2, 0.55], [0.02, 0.3], 0.5), False),
    ("AugBrightness beta=[-30, 60]", lambda: ecvl.AugBrightness([-30, 60]), False),
    ("AugGridDistortion num_steps=[3,6] distort_limit=[-0.2,0.2] border_type=\"reflect101\"",
     lambda: ecvl.AugGridDistortion([3, 6], [-0.2, 0.2]), True),
    ("AugElasticTransform alpha=[34,60] sigma=[4,6] border_type=\"reflect_101\" border_value=0",
     lambda: ecvl.AugElasticTransform([34, 60], [4, 6]), True),
    ("AugOpticalDistortion distort_limit=[-0.2,0.2] shift_limit=[-0.4,0.4]",
     lambda: ecvl.AugOpticalDistortion([-0.2, 0.2], [-0.4, 0.4]), True),
    ("AugSalt p=[0.1,0.3] per_channel=0.5", lambda: ecvl.AugSalt([0.1, 0.3], 0.5), False),
    ("AugPepper p=[0.1,0.3] per_channel=0.5", lambda: ecvl.AugPepper([0.1, 0.3], 0.5), False),
    ("AugSaltAndPepper p=[0.1,0.3] per_channel=0.5", lambda: ecvl.AugSaltAndPepper([0.1, 0.3], 0.5), False),
    ("AugNormalize mean=20 std=5.5", lambda: ecvl.AugNormalize(20, 5.5), False),
    ("AugNormalize mean=(20,19,21) std=(5,5.5,6)", lambda: ecvl.AugNormalize([20, 19, 21], [5, 5.5, 6]), False),
    ("AugCenterCrop size=(4,3)", lambda: ecvl.AugCenterCrop([4, 3]), True),
    ("AugCenterCrop", lambda: ecvl.AugCenterCrop(), True),
    ("AugToFloat32 divisor=2. divisor_gt=3.", lambda: ecvl.AugToFloat32(2, 3), True),
    ("AugDivBy255", lambda: ecvl.AugDivBy255(), True),
    ("AugScaleTo new_min=1 new_max=100", lambda: ecvl.AugScaleTo(1, 100), False),
    ("AugScaleFromTo old_min=0 old_max=255 new_min=1 new_max=254", lambda: ecvl.AugScaleFromTo(0, 255, 1, 254), False),
    ("AugRandomCrop size=(10,8)", lambda: ecvl.AugRandomCrop([10, 8]), True),
    ("OneOfAugmentationContainer p=0.7\nAugFlip p=1\nAugMirror p=1\nend",
     lambda: ecvl.OneOfAugmentationContainer(0.7, [ecvl.AugFlip(1), ecvl.AugMirror(1)]), True),
]  # fmt: skip
NAMES = [text.partition(" ")[0].partition("\n")[0] for text, _, _ in CASES]


def picture(width: int = 16, height: int = 12, count: int = 3) -> Image:
    array = np.random.default_rng(3).integers(0, 256, (width, height, count), dtype=np.uint8)
    return Image.fromarray(array, "xyc", ecvl.ColorType.BGR if count > 1 else ecvl.ColorType.GRAY, [1, 1, 1])


def applied(augmentation, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    image, truth = picture(), picture(count=1)
    with draws.using(draws.substream(seed)):
        augmentation.Apply(image, truth)
    return np.array(image), np.array(truth)


@pytest.mark.parametrize(("text", "made", "moves"), CASES, ids=NAMES)
def test_text_and_constructor_do_the_same(text, made, moves):
    for seed in range(4):
        ours, theirs = applied(AugmentationFactory.create(text), seed), applied(made(), seed)
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(("text", "made", "moves"), CASES, ids=NAMES)
def test_the_ground_truth_changes_only_where_pixels_move(text, made, moves):
    changed = [not np.array_equal(applied(made(), seed)[1], np.array(picture(count=1))) for seed in range(12)]
    assert any(changed) is moves


@pytest.mark.parametrize(("text", "made", "moves"), CASES, ids=NAMES)
def test_the_seed_holds(text, made, moves):
    augmentation = made()
    AugmentationParam.SetSeed(50)
    first, second = picture(), picture()
    augmentation.Apply(first)
    AugmentationParam.SetSeed(50)
    augmentation.Apply(second)
    np.testing.assert_array_equal(np.array(first), np.array(second))


@pytest.mark.parametrize(("text", "made", "moves"), CASES, ids=NAMES)
def test_every_random_parameter_stays_in_its_range(text, made, moves):
    augmentation = made()
    for _ in range(20):
        augmentation.Apply(picture())
        for param in augmentation.params_.values():
            assert param.min_ <= param.value_ <= param.max_


def test_draws_belong_to_the_call_so_threads_may_share_an_augmentation():
    augmentation = ecvl.AugBrightness([0, 100])
    found: dict[int, int] = {}

    def work(seed: int) -> None:
        image = Image([64, 64, 1], DataType.float32, "xyc", ecvl.ColorType.GRAY)
        with draws.using(draws.substream(seed)):
            augmentation.Apply(image)
        found[seed] = float(image.pixels.flat[0])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    together = dict(found)
    for seed in range(16):
        work(seed)
    assert together == found


def test_masks_keep_their_labels_in_distortions_and_strict_mode_mixes_them():
    mask = Image([64, 64, 1], DataType.uint8, "xyc", ecvl.ColorType.GRAY)
    mask.buffer()[16:48, 16:48] = 255
    for augmentation in (
        ecvl.AugElasticTransform([60, 60], [3, 3]),
        ecvl.AugGridDistortion([5, 5], [-0.3, 0.3]),
        ecvl.AugOpticalDistortion([0.3, 0.3], [-0.1, 0.1]),
    ):
        truth = mask.copy()
        augmentation.Apply(picture(64, 64), truth)
        assert set(np.unique(np.array(truth))) <= {0, 255}
        with strict_mode():
            truth = mask.copy()
            augmentation.Apply(picture(64, 64), truth)
            assert len(np.unique(np.array(truth))) > 2


def test_one_of_honours_p_and_strict_mode_does_not():
    text = "OneOfAugmentationContainer p=0\nAugBrightness beta=[9,9]\nend"
    image = picture()
    AugmentationFactory.create(text).Apply(image)
    np.testing.assert_array_equal(np.array(image), np.array(picture()))
    with strict_mode():
        AugmentationFactory.create(text).Apply(image)
    assert not np.array_equal(np.array(image), np.array(picture()))


def test_probabilities():
    hits = 0
    for seed in range(400):
        with draws.using(draws.substream(seed)):
            image = picture(2, 2)
            ecvl.AugFlip(0.25).Apply(image)
        hits += not np.array_equal(np.array(image), np.array(picture(2, 2)))
    assert 70 <= hits <= 130


def test_the_text_divisor_is_the_ground_truths_too():
    _, truth = applied(AugmentationFactory.create("AugToFloat32 divisor=255"))
    assert truth.max() <= 1
    _, truth = applied(ecvl.AugToFloat32(255))
    assert truth.max() > 1


def test_containers_nest_and_blanks_do_not_matter():
    text = """
      SequentialAugmentationContainer   \t
        AugRotate   angle = [ -5 , 5 ]  interp = "linear"
        OneOfAugmentationContainer p=0.3
            AugFlip p=0.2
            SequentialAugmentationContainer
               AugMirror
            end
        end
        AugToFloat32
      end
    """
    made = AugmentationFactory.create(text)
    assert [type(member).__name__ for member in made.augs_] == [
        "AugRotate",
        "OneOfAugmentationContainer",
        "AugToFloat32",
    ]
    assert type(made.augs_[1].augs_[1].augs_[0]).__name__ == "AugMirror"
    made.Apply(picture())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("AugRotat angle=[-5,5]", "did you mean 'AugRotate'"),
        ("AugRotate angel=[-5,5]", "'angle' is missing"),
        ("AugRotate angle=[-5,5] scal=2", "did you mean 'scale'"),
        ("AugRotate angle=(-5,5)", "'angle' is a vector"),
        ("AugRotate angle=[-5,5,6]", "3 numbers"),
        ("AugRotate angle=[5,-5]", "the smaller number first"),
        ("AugRotate angle=[-5,", "can't read"),
        ("AugRotate angle=[-5,5] interp=\"cubist\"", "did you mean 'cubic'"),
        ("AugResizeDim dims=100", "'dims' is a number"),
        ("AugResizeDim", "'dims' is missing"),
        ("AugFlip p=\"test\"", "'p' is a string"),
        ("AugBrightness", "'beta' is missing"),
        ("AugGridDistortion num_steps=[1,2] distort_limit=(1,2)", "'distort_limit' is a vector"),
        ("AugElasticTransform alpha=34 sigma=[4,6]", "'alpha' is a number"),
        ("AugNormalize mean=(1,2,3) std=4", "'std' is a number"),
        ("AugRandomCrop size=(1,2) border_type=\"mirror\"", "unknown border type 'mirror'"),
        ("SequentialAugmentationContainer\nAugFlip", "without 'end'"),
        ("SequentialAugmentationContainer\nAugFlip\nend\nAugFlip", "stands after the end"),
        ("OneOfAugmentationContainer\nAugFlip\nend", "AugFlip"),
        ("AugFlip p=0.5\nAugMirror", "stands after the end"),
        ("", "is empty"),
        ("SequentialAugmentationContainer\n" * 3000, "50 deep"),
    ],
)  # fmt: skip
def test_wrong_text_says_what_is_wrong(text, says):
    with pytest.raises(RuntimeError, match="(?s)" + says):
        AugmentationFactory.create(text)


def test_strict_mode_takes_no_notice_of_unknown_parameters():
    with strict_mode():
        assert AugmentationFactory.create("AugFlip q=3").p_ == 0.5


@given(text=st.text('Aug Flip=[]().,-0123456789"\nendp', max_size=60))
def test_any_text_gives_an_augmentation_or_a_typed_error(text):
    with contextlib.suppress(EcvlError):  # any other error fails the test
        AugmentationFactory.create(text).Apply(picture())


def test_users_can_write_their_own():
    class Invert(ecvl.Augmentation):
        def RealApply(self, img, gt=None):
            ecvl.Sub(255, img, img)

    image = picture()
    ecvl.SequentialAugmentationContainer([Invert(), Invert()]).Apply(image)
    np.testing.assert_array_equal(np.array(image), np.array(picture()))
    with pytest.raises(RuntimeError, match="is no augmentation"):
        ecvl.SequentialAugmentationContainer(["AugFlip"])
    with pytest.raises(NotImplementedError, match="RealApply"):
        ecvl.Augmentation().Apply(image)


def test_parameters_are_ranges():
    with pytest.raises(RuntimeError, match="two numbers"):
        ecvl.AugRotate([1, 2, 3])
    with pytest.raises(RuntimeError, match="two numbers"):
        ecvl.AugBrightness(5)
    param = AugmentationParam(1, 2)
    param.GenerateValue()
    assert 1 <= param.value_ <= 2
    assert AugmentationParam().max_ == 0
