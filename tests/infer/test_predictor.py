from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from deephealth.core.errors import (
    DataError,
    DeviceError,
    MissingDataError,
    ModelError,
    UnknownNameError,
    UnreadableFileError,
)
from deephealth.infer.prediction import BACKGROUND, Failure
from deephealth.infer.predictor import Predictor, choose_device
from deephealth.io.raster import read_rgb


def test_answers_come_in_the_order_of_the_files(colour_model, photos):
    files = [photos / "blue.png", photos / "deep" / "red2.png", photos / "green.png"]
    found = Predictor(colour_model, device="cpu").predict(files)
    assert [one.label for one in found] == ["blue", "red", "green"]
    assert [one.file for one in found] == [str(file) for file in files]
    assert found[0].size == (44, 54)
    assert found[0].mask is None
    assert sum(found[0].probabilities.values()) == pytest.approx(1)


def test_the_probabilities_are_those_of_model_and_preprocess(build, photos):
    model = build("classification", temperature=1.7)
    found = Predictor(model, device="cpu").predict(photos / "red.png")[0]
    raw = torch.from_numpy(read_rgb(photos / "red.png")).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = (model(model.preprocess(raw)).double() / 1.7).softmax(1)[0]
    assert list(found.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-7)


@pytest.mark.parametrize("task", ["classification", "segmentation"])
@pytest.mark.parametrize("tta", ["none", "flips"])
def test_the_batch_size_does_not_matter(build, photos, task, tta):
    model = build(task)
    whole = Predictor(model, tta=tta, batch_size=32, device="cpu").predict(photos)
    for size in (1, 2, 3):
        for one, other in zip(
            whole, Predictor(model, tta=tta, batch_size=size, device="cpu").predict(photos), strict=True
        ):
            assert one.file == other.file
            assert list(one.probabilities.values()) == pytest.approx(list(other.probabilities.values()), abs=1e-6)
            if one.probability_map is not None:
                assert np.abs(one.probability_map - other.probability_map).max() < 1e-6


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_two_runs_give_the_same_bits(build, photos, task):
    one, other = (Predictor(build(task), device="cpu").predict(photos) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert dict(a.probabilities) == dict(b.probabilities)
        if a.mask is not None:
            assert (a.probability_map == b.probability_map).all()


def test_masks_are_in_source_size_and_thresholded(dark_model, lesions):
    found = Predictor(dark_model, device="cpu").predict([sample.image for sample in lesions])
    for prediction, sample in zip(found, lesions, strict=True):
        reference = np.asarray(Image.open(sample.mask.path)) > 0
        assert prediction.mask.shape == prediction.probability_map.shape == prediction.size == (40, 56)
        assert prediction.mask.dtype == np.uint8
        assert ((prediction.probability_map > 0.5) == prediction.mask).all()
        assert (prediction.mask != reference).mean() < 0.03
        assert prediction.label == "lesion"
        assert prediction.probabilities["lesion"] == pytest.approx(
            prediction.probability_map[prediction.mask > 0].mean(), abs=1e-6
        )
        assert prediction.area_fraction == pytest.approx(20 * 24 / 40 / 56, rel=0.1)


def test_an_empty_mask_is_background(dark_model, tmp_path):
    Image.new("RGB", (20, 10), "white").save(tmp_path / "white.png")
    found = Predictor(dark_model, device="cpu").predict(tmp_path / "white.png")[0]
    assert (found.label, found.probabilities, found.area_fraction) == (BACKGROUND, {"lesion": 0.0}, 0.0)


def test_a_higher_threshold_gives_a_smaller_mask(build, photos):
    model = build("segmentation")
    low, high = (Predictor(model, threshold=t, device="cpu").predict(photos / "red.png")[0] for t in (0.1, 0.6))
    assert (low.mask >= high.mask).all()


def test_tta_of_a_flipped_image_is_the_flipped_answer(build, tmp_path):
    image = np.random.default_rng(2).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(np.ascontiguousarray(image[:, ::-1])).save(tmp_path / "b.png")
    one, other = Predictor(build("segmentation"), tta="flips", device="cpu").predict(
        [tmp_path / "a.png", tmp_path / "b.png"]
    )
    assert np.allclose(one.probability_map[:, ::-1], other.probability_map, atol=1e-6)
    one, other = Predictor(build("classification"), tta="hflip", device="cpu").predict(
        [tmp_path / "a.png", tmp_path / "b.png"]
    )
    assert list(one.probabilities.values()) == pytest.approx(list(other.probabilities.values()), abs=1e-6)


def test_the_models_own_tta_is_the_default(build):
    model = build("classification", tta="hflip")
    assert Predictor(model, device="cpu").tta == "hflip"
    assert Predictor(model, tta="none", device="cpu").tta == "none"


def damaged(photos):
    whole = (photos / "green.png").read_bytes()
    (photos / "green.png").write_bytes(whole[: len(whole) // 2])
    (photos / "red.png").write_bytes(b"")


def test_every_unreadable_file_is_named_after_the_rest_is_done(colour_model, photos):
    damaged(photos)
    with pytest.raises(UnreadableFileError) as caught:
        Predictor(colour_model, batch_size=2, device="cpu").predict(photos)
    assert "2 of 5 files" in str(caught.value)
    assert "green.png" in str(caught.value)
    assert "red.png" in str(caught.value)


def test_unreadable_files_can_be_skipped_and_are_listed(colour_model, photos):
    damaged(photos)
    found = Predictor(colour_model, device="cpu").predict(photos, on_error="skip")
    assert [one.label for one in found] == ["blue", "blue", "red"]
    assert [failure.source.name for failure in found.failures] == ["green.png", "red.png"]
    assert all(isinstance(failure.error, UnreadableFileError) for failure in found.failures)


def test_one_failure_is_raised_as_it_is_and_a_mixture_as_a_data_error(colour_model, photos):
    predictor = Predictor(colour_model, device="cpu")
    with pytest.raises(MissingDataError, match="nowhere"):
        predictor.predict([photos / "red.png", photos / "nowhere.png"])
    (photos / "red.png").write_bytes(b"")
    with pytest.raises(DataError, match="2 of 2"):
        predictor.predict([photos / "red.png", photos / "nowhere.png"])


def test_streaming_reports_progress_and_keeps_failures_in_place(colour_model, photos):
    (photos / "deep" / "blue2.png").write_bytes(b"x")
    calls = []
    outcomes = list(
        Predictor(colour_model, batch_size=2, device="cpu").stream(photos, progress=lambda *call: calls.append(call))
    )
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, True, False, False, False]
    assert calls == [(n, 5) for n in range(1, 6)]


def test_no_file_gives_no_prediction(colour_model):
    assert Predictor(colour_model, device="cpu").predict([]) == []


def test_wrong_requests_are_typed_errors(colour_model, build, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="finds none"):
        Predictor(colour_model, device="gpu")
    with pytest.raises(DeviceError, match="tpu"):
        choose_device("tpu")
    with pytest.raises(UnknownNameError, match="flips"):
        Predictor(colour_model, tta="flip", device="cpu")
    with pytest.raises(DataError, match="batch size is 0"):
        Predictor(colour_model, batch_size=0, device="cpu")
    model = build("segmentation")
    model.spec = type(model.spec)("tiny", "segmentation", ("a", "b"), (24, 32))
    with pytest.raises(ModelError, match="2 masks"):
        Predictor(model, device="cpu")


def test_auto_takes_the_gpu_only_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == choose_device("gpu").type == "cuda"
    assert choose_device("cpu").type == "cpu"
