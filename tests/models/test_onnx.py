"""The exported file gives what the model gives, from raw images of any size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deephealth.core.errors import ExportError, StorageError
from deephealth.models import build_model, export_onnx
from deephealth.models.onnx import OPSET, Deployed
from deephealth.transforms.resize import resize_levels

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SIZE = (33, 48)  # no multiple of 32: the U-Net pads inside
TASKS = {
    "classification": ("timm/test_resnet", {}),
    "segmentation": ("unet", {"encoder": "test_resnet", "decoder_channels": [16, 8, 8, 8, 8]}),
}


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), dtype=np.uint8)


SAMPLES = [draw(20, 30), draw(*SIZE), draw(100, 64), draw(67, 93)]


@pytest.fixture(scope="module", params=sorted(TASKS))
def exported(request, tmp_path_factory):
    torch.manual_seed(0)
    name, parameters = TASKS[request.param]
    model = build_model(
        name, task=request.param, labels=("ä", "b"), image_size=SIZE, parameters=parameters, usecase="uc"
    )
    model.describe(temperature=1.3)
    model.train()
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return model, path, export_onnx(model, path, samples=SAMPLES)


def test_report(exported):
    model, path, report = exported
    assert report.max_abs_difference <= 1e-3
    assert (report.path, report.num_samples, report.opset) == (path, 4, 18)
    assert report.num_bytes == path.stat().st_size
    assert model.training  # the model itself is left as it was


def test_one_checked_file_with_its_facts(exported):
    model, path, _ = exported
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    assert [path.name for path in path.parent.iterdir()] == ["model.onnx"]
    assert next(item.version for item in proto.opset_import if item.domain == "") == OPSET
    facts = {item.key: item.value for item in proto.metadata_props}
    assert json.loads(facts["labels"]) == ["ä", "b"]
    assert facts["task"] == model.task
    assert json.loads(facts["licences"]) == list(model.spec.licences)
    for machine_path in ("site-packages", str(Path(__file__).parents[2])):
        assert machine_path.encode() not in path.read_bytes()


def test_any_batch_height_and_width(exported):
    model, path, _ = exported
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count, height, width in [(1, 40, 40), (3, 17, 90), (5, *SIZE)]:
        batch = np.stack([draw(height, width).transpose(2, 0, 1)] * count)
        (got,) = session.run(None, {"image": batch})
        shape = (count, 2) if model.task == "classification" else (count, 2, height, width)
        assert got.shape == shape
        expected = Deployed(model.eval())(torch.from_numpy(batch)).detach().numpy()
        assert np.abs(got - expected).max() <= 1e-3
        model.train()


def test_grey_levels_differ_by_at_most_one(tmp_path):
    class Resize(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return resize_levels(image.float(), SIZE)

    dynamic = torch.export.Dim.DYNAMIC
    example = torch.zeros(1, 3, 70, 90, dtype=torch.uint8)
    program = torch.onnx.export(
        Resize().eval(),
        (example,),
        input_names=["image"],
        dynamic_shapes=[{2: dynamic, 3: dynamic}],
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for height, width in [SIZE, (66, 96), (99, 144), (31, 47), (150, 200), (16, 24)]:
        image = draw(height, width).transpose(2, 0, 1)[None].copy()
        (got,) = session.run(None, {"image": image})
        difference = np.abs(got - Resize()(torch.from_numpy(image)).numpy())
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.002
        if height % SIZE[0] == 0:  # exact halves abound here, and all of them go up on both sides
            assert difference.max() == 0


@pytest.fixture
def converted(exported, monkeypatch):
    monkeypatch.setattr("deephealth.models.onnx._convert", lambda _: exported[1].read_bytes())
    return exported[0]


def test_too_far_from_the_original_writes_nothing(converted, tmp_path):
    with pytest.raises(ExportError, match="differs"):
        export_onnx(converted, tmp_path / "x.onnx", samples=SAMPLES[:1], tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_without_samples_random_ones_are_drawn(converted, tmp_path):
    report = export_onnx(converted, tmp_path / "x.onnx", samples=[])
    assert report.num_samples == 3
    assert report.max_abs_difference <= 1e-3


def test_network_that_can_not_be_exported(exported, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator\nlong story")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(ExportError, match=r"can't be exported to ONNX: no such operator$"):
        export_onnx(exported[0], tmp_path / "x.onnx", samples=SAMPLES[:1])


def test_folder_that_can_not_be_written(converted, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        export_onnx(converted, tmp_path / "file" / "x.onnx", samples=SAMPLES[:1])
