"""Run a golden net of a few layers without the net machinery: build it, run its ops in order, and name what differs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers import augmentation, core, crops, noise, normalization, resize, transformations, upsampling

GOLDEN = Path(__file__).parents[2] / "golden" / "eddl"
MODULES = (augmentation, core, crops, noise, normalization, resize, transformations, upsampling)
FUNCTIONS = {name: getattr(module, name) for module in MODULES for name in module.__all__}


@cache
def deviations() -> dict[str, list[dict[str, str]]]:
    return json.loads((GOLDEN / "DEVIATIONS.json").read_text())


def names(*prefixes: str) -> list[str]:
    """Golden nets whose names begin so."""
    return sorted(path.stem for path in GOLDEN.glob("*.npz") if path.stem.startswith(prefixes))


def is_bug(name: str) -> bool:
    return any(entry["kind"] == "bug" for entry in deviations().get(name, []))


class Direct:
    """One golden net."""

    def __init__(self, name: str) -> None:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as stored:
            self.arrays = {key: stored[key] for key in stored.files if key != "config"}
            self.config: dict[str, Any] = json.loads(str(stored["config"]))
        self.layers: dict[str, Layer] = {key: core.Input(shape) for key, shape in self.config["inputs"]}
        for key, function, args, kwargs in self.config["layers"]:
            given = [self.layers[a[1:]] if isinstance(a, str) and a.startswith("@") else a for a in args]
            self.layers[key] = FUNCTIONS[function](*given, **kwargs)
        self.differing: list[str] = []

    def check(self, key: str, got: torch.Tensor) -> None:
        wanted = self.arrays[key]
        if wanted.shape != got.shape or not np.allclose(got.detach().numpy(), wanted, rtol=1e-4, atol=1e-5):
            self.differing.append(key)

    def run(self, training: bool) -> dict[str, torch.Tensor]:
        found = {key: torch.tensor(self.arrays[f"in/{key}"], requires_grad=True) for key, _ in self.config["inputs"]}
        for key, layer in self.layers.items():
            if layer.op is None:
                continue
            for index, parameter in enumerate(layer.params):
                start = torch.tensor(self.arrays[f"param0/{key}/{index}"])
                if parameter.torch.shape == start.shape:  # statistics of the last batch are as long as that was
                    parameter.torch.copy_(start)
            layer.op.train(training)
            found[key] = layer.op(*(found[self.key_of(parent)] for parent in layer.parent))
        return found

    def key_of(self, layer: Layer) -> str:
        return next(key for key, mine in self.layers.items() if mine is layer)

    def compare(self) -> list[str]:
        """Names of the arrays that differ from the original's."""
        tested = self.run(training=False)
        for index, key in enumerate(self.config["outputs"]):
            self.check(f"pred/{index}", tested[key])
        if "train/loss" in self.arrays:
            self.compare_training()
        return self.differing

    def compare_training(self) -> None:
        found = self.run(training=True)
        outputs = [found[key] for key in self.config["outputs"]]
        targets = [torch.tensor(self.arrays[f"target/{index}"]) for index in range(len(outputs))]
        deltas = [(y.detach() - t) / len(y) for y, t in zip(outputs, targets, strict=True)]
        torch.autograd.backward(outputs, deltas)
        for name in self.arrays:
            what, kind, *rest = [*name.split("/"), ""][:5]
            if what != "train" or not rest:
                continue
            if kind == "out":
                self.check(name, found[rest[0]])
            elif kind == "din":
                self.check(name, found[rest[0]].grad)
            elif kind in ("grad", "param"):
                listed = self.layers[rest[0]].gradients if kind == "grad" else self.layers[rest[0]].params
                self.check(name, listed[int(rest[1])].torch)
