"""Run folders as training writes them, filled with drawn numbers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deephealth.kpi.recorder import Recorder
from deephealth.metrics.classification import classification_metrics
from deephealth.metrics.segmentation import mask_scores, segmentation_metrics

HOSTILE = "<script>alert('x')</script>"
LABELS = ["akiec", "bcc", "bkl", "df", "mel", "nv", HOSTILE]
SHARES = [0.05, 0.08, 0.12, 0.04, 0.13, 0.55, 0.03]


def draw_probabilities(rng: np.random.Generator, targets: np.ndarray, num_classes: int) -> np.ndarray:
    """A classifier that is right in about three of four cases, and a little too sure."""
    logits = rng.normal(0, 1, (len(targets), num_classes))
    logits[np.arange(len(targets)), targets] += rng.normal(2.2, 1.2, len(targets))
    powers = np.exp(1.6 * logits)
    return powers / powers.sum(axis=1, keepdims=True)


def lesion(rng: np.random.Generator, height: int = 150, width: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image of a dark ellipse, its mask, and a mask that is a little off."""
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.35, 0.65, 2) * (height, width)
    ry, rx = rng.uniform(0.15, 0.35, 2) * height
    shift = rng.normal(0, 0.1, 2) * height
    mask = (((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1).astype(np.uint8)
    off = (((y - cy - shift[0]) / ry) ** 2 + ((x - cx - shift[1]) / rx) ** 2 < 1).astype(np.uint8)
    skin = np.array([222, 178, 160]) + rng.normal(0, 6, (height, width, 3))
    image = np.where(mask[..., None] > 0, skin * 0.55, skin).clip(0, 255).astype(np.uint8)
    return image, mask, off


def write_common(run: Path, task: str) -> None:
    """Config, environment, data, split, history and legs."""
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(
        f"usecase: uc12-skin\ntask: {task}\nseed: 3\nmodel:\n  name: tf_efficientnet_lite0\n"
        "  pretrained: imagenet-lite0\ndata:\n  image_size: [144, 192]\n  batch_size: 32\n"
        "optimizer:\n  name: adamw\n  lr: 0.001\n"
    )
    (run / "environment.json").write_text(
        json.dumps({"packages": {"torch": "2.14.1", "monai": "1.6.1"}, "machine": {"cores": 2, "python": "3.11.9"}})
    )
    data = {
        "layout": "ham10000",
        "classes": LABELS,
        "licence": "CC BY-NC 4.0",
        "citation": "Tschandl 2018",
        "counts": {},
    }
    (run / "data.json").write_text(json.dumps(data | {"split_source": "given", "problems": ["warning: a.jpg: twice"]}))
    rng = np.random.default_rng(5)
    with (run / "split.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "group", "label", "split"])
        for number, label in enumerate(rng.choice(LABELS, 600, p=SHARES)):
            writer.writerow(
                [f"ISIC_{number:07d}", f"HAM_{number // 2}", label, ("train", "train", "val", "test")[number // 2 % 4]]
            )
    with (run / "metrics.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "step", "lr", "train_loss", "val_loss", "val_score"])
        for epoch in range(14):
            decay = float(np.exp(-epoch / 4))
            lr = 1e-3 * 0.5 * (1 + np.cos(np.pi * epoch / 14))
            row = [1.8 * decay + 0.15, 1.4 * decay + 0.6 + 0.01 * epoch, 0.71 - 0.45 * decay + 0.01 * np.sin(epoch)]
            writer.writerow([epoch, 40 * (epoch + 1), lr, *row])
    recorder = Recorder(run / "kpi.jsonl")
    for name, items, seconds in (("prepare", 600, 31.5), ("train", 400, 912.3), ("evaluate", 200, 12.1)):
        with recorder.leg(name, items=items):
            pass
        _rewrite_last(recorder.path, wall_s=seconds, cpu_s=seconds * 1.7)


def _rewrite_last(path: Path, **changes: float) -> None:
    lines = path.read_text().splitlines()
    lines[-1] = json.dumps(json.loads(lines[-1]) | changes)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def hostile() -> str:
    """A class name that tries to run a script."""
    return HOSTILE


@pytest.fixture
def empty_run(tmp_path: Path) -> Path:
    """A run that has only begun: a configuration, and nothing else."""
    run = tmp_path / "begun"
    run.mkdir()
    (run / "config.yaml").write_text("usecase: uc12-skin\ntask: classification\nmodel: {name: tiny}\n")
    return run


@pytest.fixture(scope="session")
def classification_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished classification run whose names are hostile."""
    run = tmp_path_factory.mktemp("runs") / "skin-classes"
    write_common(run, "classification")
    rng = np.random.default_rng(0)
    targets = rng.choice(len(LABELS), 400, p=SHARES)
    table = draw_probabilities(rng, targets, len(LABELS))
    groups = [f"HAM_{number // 2}" for number in range(len(targets))]
    metrics = classification_metrics(
        table,
        targets,
        LABELS,
        groups,
        bootstrap=60,
        positive=("mel", "bcc", "akiec"),
        class_counts=[30, 50, 70, 20, 80, 330, 20],
    )
    folder = run / "evaluation" / "test"
    (folder / "overlays").mkdir(parents=True)
    cases: dict[str, list[dict[str, object]]] = {"worst": [], "best": []}
    for kind, listed in cases.items():
        for number in range(6):
            name = f"overlays/{kind}-{number:02d}.png"
            Image.fromarray(lesion(rng)[0]).save(folder / name)
            listed.append(
                {
                    "id": f"ISIC_{number}" if number else HOSTILE,
                    "label": "nv",
                    "target": "mel",
                    "probability": 0.98,
                    "overlay": name,
                }
            )
    cases["worst"].append({"id": "climber", "label": "nv", "target": "mel", "overlay": "../../../../../etc/passwd"})
    (folder / "metrics.json").write_text(json.dumps({"split": "test", **metrics, "cases": cases}, allow_nan=False))
    return run


@pytest.fixture(scope="session")
def segmentation_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished segmentation run."""
    from deephealth.infer.overlay import draw_overlay

    run = tmp_path_factory.mktemp("runs") / "skin-masks"
    write_common(run, "segmentation")
    rng = np.random.default_rng(1)
    folder = run / "evaluation" / "test"
    (folder / "overlays").mkdir(parents=True)
    drawn = [lesion(rng) for _ in range(40)]
    scored = [mask_scores(off, mask) for _, mask, off in drawn]
    whole = [mask_scores(np.ones_like(mask), mask) for _, mask, _ in drawn]
    metrics = segmentation_metrics(
        scored, [str(n // 2) for n in range(40)], baselines={"whole_image": whole}, bootstrap=60
    )
    order = np.argsort([one.jaccard for one in scored])
    cases: dict[str, list[dict[str, object]]] = {"worst": [], "best": []}
    for kind, indices in (("worst", order[:8]), ("best", order[::-1][:8])):
        for index in indices:
            image, mask, off = drawn[index]
            name = f"overlays/{kind}-{index}.png"
            Image.fromarray(draw_overlay(image, off, mask, side=480)).save(folder / name)
            cases[kind].append({"id": f"ISIC_{index}", "jaccard": scored[index].jaccard, "overlay": name})
    (folder / "metrics.json").write_text(json.dumps({"split": "test", **metrics, "cases": cases}, allow_nan=False))
    return run
