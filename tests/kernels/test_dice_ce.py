"""Dice plus cross-entropy: MONAI's numbers, the reference's gradients, and what is refused."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.losses import DiceCELoss, DiceLoss
from torch.nn import functional

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import using
from deephealth.kernels.dice_ce import DiceCESettings, class_sums, dice_ce, reference

NONE = -(2**63)


def volume(*shape: int, seed: int = 0, dtype=torch.float32, ids=torch.uint8) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=numbers, dtype=torch.float64) * 3
    labels = torch.randint(0, max(shape[1], 2), (shape[0], 1, *shape[2:]), generator=numbers)
    return logits.to(dtype), labels.to(ids)


def answer(version: str, logits, labels, weights=None, **settings) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = logits.detach().requires_grad_()
    with using(version):
        loss = dice_ce(leaf, labels, weights, settings=DiceCESettings(**settings))
        return loss.detach(), torch.autograd.grad(loss, leaf)[0]


def assert_near_float64(logits, labels, weights=None, *, slope=1e-5, **settings) -> None:
    """The compiled version against the reference in float64: loss, and gradient as a share of its largest entry."""
    loss, gradient = answer("compiled", logits, labels, weights, **settings)
    right, slopes = answer("reference", logits.double(), labels, weights, **settings)
    assert loss.item() == pytest.approx(right.item(), rel=1e-5, abs=1e-6)
    assert gradient.dtype == logits.dtype
    assert (gradient.double() - slopes).abs().max() <= slope * slopes.abs().max() + 1e-30


MONAI = [
    ({}, {}),
    ({"include_background": False}, {"include_background": False}),
    ({"batch": True, "jaccard": True}, {"batch": True, "jaccard": True}),
    (
        {"squared": True, "smooth_nr": 0.0, "smooth_dr": 1e-3},
        {"squared_pred": True, "smooth_nr": 0.0, "smooth_dr": 1e-3},
    ),
    ({"label_smoothing": 0.1, "lambda_dice": 0.3, "lambda_ce": 2.0},) * 2,
]


@pytest.mark.parametrize("weights", [None, [0.5, 1.0, 2.0, 0.0]])
@pytest.mark.parametrize(("ours", "theirs"), MONAI)
@pytest.mark.parametrize("shape", [(2, 4, 50), (2, 4, 9, 11), (3, 4, 5, 6, 7)])
def test_numbers_of_monai(shape, ours, theirs, weights):
    logits, labels = volume(*shape)
    weights = None if weights is None else torch.tensor(weights)
    peer = DiceCELoss(to_onehot_y=True, softmax=True, weight=weights, **theirs)
    leaf = logits.clone().requires_grad_()
    expected = peer(leaf, labels)
    expected.backward()
    loss, gradient = answer("compiled", logits, labels, weights, **ours)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert (gradient - leaf.grad).abs().max() <= 1e-5 * leaf.grad.abs().max()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_shares_of_monai(smoothing):
    logits, _ = volume(2, 3, 6, 5, 4)
    shares = torch.rand(2, 3, 6, 5, 4).softmax(1)
    expected = DiceCELoss(softmax=True, label_smoothing=smoothing, weight=torch.tensor([1.0, 2.0, 3.0]))(logits, shares)
    loss = dice_ce(logits, shares, torch.tensor([1.0, 2.0, 3.0]), settings=DiceCESettings(label_smoothing=smoothing))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_one_class_of_monai():
    logits, labels = volume(2, 1, 6, 5, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DiceCELoss(sigmoid=True, weight=torch.tensor([2.5]))(logits, labels)
    settings = DiceCESettings(activation="sigmoid")
    for target in (labels, labels[:, 0], labels.float()):
        loss = dice_ce(logits, target, torch.tensor([2.5]), settings=settings)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_overlapping_regions_are_dice_and_binary_cross_entropy():
    logits, _ = volume(2, 3, 6, 5)
    regions = torch.rand(2, 3, 6, 5) > 0.6
    expected = DiceLoss(sigmoid=True)(logits, regions) + functional.binary_cross_entropy_with_logits(
        logits, regions.float()
    )
    loss = dice_ce(logits, regions, settings=DiceCESettings(activation="sigmoid"))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_ignored_voxels_as_if_they_were_not_there():
    logits, labels = volume(1, 3, 40)
    labels[0, 0, 10:25] = 255
    rest = torch.cat([torch.arange(10), torch.arange(25, 40)])
    expected = dice_ce(logits[..., rest], labels[..., rest], torch.tensor([1.0, 2.0, 3.0]))
    loss, gradient = answer("compiled", logits, labels, torch.tensor([1.0, 2.0, 3.0]), ignore_index=255)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert not gradient[..., 10:25].any()
    dice = DiceLoss(to_onehot_y=True, softmax=True, ignore_index=255)(logits, labels)
    assert dice_ce(logits, labels, settings=DiceCESettings(lambda_ce=0, ignore_index=255)).item() == pytest.approx(
        dice.item(), rel=1e-5
    )


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "squared": st.booleans(),
        "jaccard": st.booleans(),
        "batch": st.booleans(),
        "include_background": st.booleans(),
        "ignore_index": st.sampled_from([0, 1, 255]),
        "lambda_ce": st.sampled_from([0.0, 0.5]),
    },
)


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)),
    settings=SETTINGS,
    sigmoid=st.booleans(),
    ids=st.sampled_from([torch.uint8, torch.int64]),
    seed=st.integers(0, 99),
)
def test_any_shape_against_float64(shape, settings, sigmoid, ids, seed):
    logits, labels = volume(*shape, seed=seed, ids=ids)
    activation = "sigmoid" if sigmoid or shape[1] == 1 else "softmax"
    assert_near_float64(logits, labels, activation=activation, **settings)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    logits, labels = volume(2, 4, 9, 8, 7, dtype=dtype)
    assert_near_float64(logits, labels, slope=torch.finfo(dtype).eps)


def strided(logits: torch.Tensor, kind: str) -> torch.Tensor:
    if kind == "channels-last":
        return logits.to(memory_format=torch.channels_last_3d)
    if kind == "transposed":
        return logits.transpose(0, 4).contiguous().transpose(0, 4)
    wide = functional.pad(logits, (1, 2, 1, 1, 2, 0))
    return wide[:, :, 2:, 1:-1, 1:-2]


@pytest.mark.parametrize("kind", ["channels-last", "transposed", "crop"])
@pytest.mark.parametrize("shares", [False, True])
def test_any_strides(kind, shares):
    logits, labels = volume(2, 3, 9, 8, 7)
    if shares:
        labels = torch.rand(2, 3, 9, 8, 7)
    expected = answer("compiled", logits, labels)
    view = strided(logits, kind)
    assert torch.equal(view, logits)
    assert view.stride() != logits.stride()
    loss, gradient = answer("compiled", view, strided(labels, "crop"))
    assert loss.item() == pytest.approx(expected[0].item(), rel=1e-6)
    torch.testing.assert_close(gradient, expected[1], rtol=1e-4, atol=1e-8)
    if kind == "channels-last":
        assert gradient.is_contiguous(memory_format=torch.channels_last_3d)


def test_same_bits_for_any_number_of_threads():
    logits, labels = volume(2, 4, 70, 60, 50)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(answer("compiled", logits, labels))
    finally:
        torch.set_num_threads(threads)
    for loss, gradient in found[1:]:
        assert torch.equal(loss, found[0][0])
        assert torch.equal(gradient, found[0][1])
    assert_near_float64(logits, labels)


@pytest.mark.parametrize("version", ["reference", "compiled"])
@pytest.mark.parametrize(
    "settings",
    [
        {"label_smoothing": 0.1, "ignore_index": 1},
        {"squared": True, "jaccard": True, "batch": True},
        {"activation": "sigmoid", "squared": True, "ignore_index": 2},
    ],
)
def test_gradient(version, settings):
    logits, labels = volume(2, 3, 4, 3, dtype=torch.float64)
    weights = torch.tensor([1.0, 0.5, 2.0])
    with using(version):
        assert torch.autograd.gradcheck(
            lambda x: dice_ce(x, labels, weights, settings=DiceCESettings(**settings)), logits.requires_grad_()
        )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_gradient_of_the_gradient(activation):
    logits, labels = volume(1, 3, 5, dtype=torch.float64)
    settings = DiceCESettings(activation=activation)
    assert torch.autograd.gradgradcheck(lambda x: dice_ce(x, labels, settings=settings), logits.requires_grad_())


def test_nothing_of_the_logits_size_is_kept():
    logits, labels = volume(1, 4, 20, 20, 20)
    leaf, kept = logits.requires_grad_(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        dice_ce(leaf, labels)
    large = {t.data_ptr() for t in kept if t.numel() > 1000}
    assert large == {leaf.data_ptr(), labels.data_ptr()}


def test_shares_may_be_learned():
    logits, _ = volume(1, 3, 8)
    shares = torch.rand(1, 3, 8).softmax(1).requires_grad_()
    dice_ce(logits, shares).backward()
    assert shares.grad.abs().sum() > 0


def test_class_sums_by_hand():
    logits = torch.tensor([[[0.0, 2.0], [1.0, -1.0]]])
    p = logits.double().softmax(1)[0]
    sums = class_sums(logits, torch.tensor([[1, 0]]), squared=True)
    assert sums.overlap[0].tolist() == pytest.approx([p[0, 1].item(), p[1, 0].item()])
    assert sums.predicted[0].tolist() == pytest.approx((p * p).sum(1).tolist())
    assert sums.cost[0].tolist() == pytest.approx([-p[0, 1].log().item(), -p[1, 0].log().item()])
    assert sums.voxels.tolist() == [2]


def test_large_logits_stay_exact():
    logits = torch.tensor([[[80.0, -90.0, 300.0], [-80.0, 90.0, -300.0]]])
    assert_near_float64(logits, torch.tensor([[0, 1, 1]]))
    assert_near_float64(logits, torch.tensor([[0, 1, 1]]), activation="sigmoid")


def test_all_ignored_costs_nothing():
    logits, labels = volume(2, 3, 10)
    for activation in ("softmax", "sigmoid"):
        loss, gradient = answer("compiled", logits, torch.full_like(labels, 9), ignore_index=9, activation=activation)
        assert loss == 0
        assert not gradient.any()


def test_empty_foreground_and_no_smoothing_are_finite():
    logits, labels = volume(2, 3, 10)
    assert dice_ce(logits, labels * 0).isfinite()
    settings = {"smooth_nr": 0.0, "smooth_dr": 0.0, "ignore_index": 0}
    loss, gradient = answer("compiled", logits, labels * 0, **settings)  # nothing over nothing
    assert loss == 0
    assert not gradient.any()


def test_a_weight_of_zero_where_only_that_class_is():
    logits, labels = volume(1, 2, 10)
    settings = DiceCESettings(lambda_dice=0.0)
    assert dice_ce(logits, labels * 0, torch.tensor([0.0, 1.0]), settings=settings) == 0


def test_metatensors_are_taken():
    logits, labels = volume(1, 3, 6, 5, 4)
    assert dice_ce(MetaTensor(logits), MetaTensor(labels)).item() == pytest.approx(dice_ce(logits, labels).item())


def test_inside_torch_compile():
    logits, labels = volume(1, 3, 6, 5)
    step = torch.compile(lambda x, y: dice_ce(x, y), backend="eager")
    assert step(logits, labels).item() == pytest.approx(dice_ce(logits, labels).item(), rel=1e-5)


@pytest.mark.parametrize("version", ["reference", "compiled"])
def test_strange_ids_are_named_with_counts(version):
    logits, labels = volume(1, 3, 20, ids=torch.int16)
    labels[0, 0, :3], labels[0, 0, 3], labels[0, 0, 4] = 7, -2, 99
    with using(version), pytest.raises(DataError, match=r"-2 \(1 voxel\), 7 \(3 voxels\)\n"):
        dice_ce(logits, labels, settings=DiceCESettings(ignore_index=99))
    unchecked = dice_ce(logits, labels, settings=DiceCESettings(ignore_index=99), check=False)
    assert unchecked.item() == pytest.approx(dice_ce(logits[..., 5:], labels[..., 5:]).item(), rel=1e-5)


@pytest.mark.parametrize("version", ["reference", "compiled"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_counted(version, activation, value):
    for at in range(3):
        logits, labels = volume(1, 3, 20)
        logits[0, at, 4] = float(value)
        nan, infinite = (1, 0) if value == "nan" else (0, 1)
        with using(version), pytest.raises(DataError, match=f"hold {nan} NaN and {infinite} infinite"):
            dice_ce(logits, labels, settings=DiceCESettings(activation=activation))


BAD = [
    ((2, 3, 8), (2, 9), torch.long, "spatial axes"),
    ((2, 3, 8), (1, 8), torch.long, "spatial axes"),
    ((2, 3, 8), (2, 2, 8), torch.long, "1 or K"),
    ((2, 3, 8), (2, 1, 8), torch.float32, "rounded"),
    ((2, 3), (2,), torch.long, "the loss got"),
    ((0, 3, 8), (0, 8), torch.long, "mean"),
    ((2, 3, 0), (2, 0), torch.long, "mean"),
    ((2, 1, 8), (2, 8), torch.long, "sigmoid"),
]


@pytest.mark.parametrize(("logits", "labels", "dtype", "message"), BAD)
def test_what_does_not_fit_is_refused(logits, labels, dtype, message):
    with pytest.raises(DataError, match=message):
        dice_ce(torch.zeros(logits), torch.zeros(labels, dtype=dtype))


def test_whole_number_logits_and_ignored_shares_are_refused():
    with pytest.raises(DataError, match="int64"):
        dice_ce(torch.zeros(1, 2, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(DataError, match="no id 0"):
        dice_ce(torch.zeros(1, 2, 3), torch.ones(1, 2, 3), settings=DiceCESettings(ignore_index=0))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0], [1.0, -1.0], [1.0, float("nan")]])
def test_weights_must_make_sense(weights):
    with pytest.raises(DataError, match="weights"):
        dice_ce(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long), torch.tensor(weights))


def test_wrong_settings_are_all_reported():
    with pytest.raises(ConfigError) as caught:
        DiceCESettings(activation="tanh", label_smoothing=1.0, smooth_dr=-1.0)  # type: ignore[arg-type]
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigError, match="nothing is left"):
        DiceCESettings(lambda_dice=0.0, lambda_ce=0.0)


@pytest.mark.slow
def test_more_than_2_to_the_31_logits():
    logits = torch.zeros(1).expand(1, 3, 900, 900, 900)
    labels = torch.ones(1, dtype=torch.uint8).expand(1, 900, 900, 900)
    assert logits.numel() > 2**31
    sums = class_sums(logits, labels)
    assert sums.true[0].tolist() == [0, 900**3, 0]
    assert sums.overlap[0, 1].item() == pytest.approx(900**3 / 3, rel=1e-6)


def test_reference_keeps_its_type():
    logits, labels = volume(1, 2, 5, dtype=torch.bfloat16)
    sums, seen = reference(logits, labels, NONE, sigmoid=False, squared=False)
    assert sums.dtype == torch.float32
    assert seen.tolist() == [[0, 0]]
