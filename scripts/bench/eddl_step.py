"""Time of ``eddl.train_batch`` against a hand-written torch loop: same net, weights, data, optimizer, one run.

    python scripts/bench/eddl_step.py --steps 100 --threads 2
    python scripts/bench/eddl_step.py --memory  # peak of a ResNet-18 step, each side in a process of its own
    python scripts/bench/eddl_step.py --cases lenet --compile

Both sides take turns, step by step, on the same batch. A step is forward, loss, metric, backward and update. The losses
of every step must agree within 1e-4, relative, or nothing is reported. Prints JSON: the ratio of the medians and the
median of the ratios of neighbouring steps, each with its 95 % interval from a bootstrap over the steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from ratios import ratio
from torch import nn
from torch.nn import functional as F

from deephealth import eddl

GOALS = {"resnet18": 1.02, "unet": 1.02, "lenet": 1.05, "lstm": 1.05, "memory": 1.05}
Layer = Any


def main() -> int:
    """Time the cases that were asked for and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compile", action="store_true", help="compare net.module compiled with net.module as it is")
    parser.add_argument("--memory", action="store_true", help="peak memory instead of time")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.side:
        print(peak_of(arguments.side, arguments.cases[0]))
        return 0
    compare = memory if arguments.memory else (compiled if arguments.compile else step)
    results = {name: compare(name, arguments) for name in (["resnet18"] if arguments.memory else arguments.cases)}
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    print(json.dumps({"cases": results, "goals": GOALS, "threads": arguments.threads, "versions": versions}, indent=2))
    return 0 if all(result["equal"] for result in results.values()) else 1


# ---------------------------------------------------------------------- the nets, written twice


def resnet18_eddl() -> Layer:
    """EDDL: ResNet-18 as torchvision has it."""
    given = eddl.Input([3, 96, 96])
    x = eddl.ReLu(conv_same(given, 64, 7, 2))
    x = eddl.MaxPool(x, [3, 3], [2, 2], "same")
    for index, filters in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if index and not block else 1
            y = eddl.ReLu(conv_same(x, filters, 3, stride))
            y = conv_same(y, filters, 3, 1)
            skip = x if stride == 1 else conv_same(x, filters, 1, 2)
            x = eddl.ReLu(eddl.Add([y, skip]))
    x = eddl.Flatten(eddl.GlobalAveragePool2D(x))
    return given, eddl.Softmax(eddl.Dense(x, 10))


def conv_same(x: Layer, filters: int, kernel: int, stride: int) -> Layer:
    """EDDL: "same" convolution without bias, and batch normalisation."""
    x = eddl.Conv(x, filters, [kernel, kernel], [stride, stride], "same", False)
    return eddl.BatchNormalization(x, True, 0.9, 1e-5)


class SamePadded(nn.Module):
    """Torch: what EDDL's "same" padding is for an odd total: the extra row and column below and to the right."""

    def __init__(self, inner: nn.Module, before: int, after: int, value: float = 0.0) -> None:
        super().__init__()
        self.inner, self.pads, self.value = inner, (before, after, before, after), value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad, then run."""
        return self.inner(F.pad(x, self.pads, value=self.value))


def resnet18_torch() -> nn.Module:
    """Torch: torchvision's ResNet-18, its strided layers padded as EDDL pads them: both are the same net."""
    net = torchvision.models.resnet18(num_classes=10)
    net.conv1.padding = (0, 0)
    net.conv1 = SamePadded(net.conv1, 2, 3)
    net.maxpool.padding = 0
    net.maxpool = SamePadded(net.maxpool, 0, 1, float("-inf"))
    for stage in (net.layer2, net.layer3, net.layer4):
        stage[0].conv1.padding = (0, 0)
        stage[0].conv1 = SamePadded(stage[0].conv1, 0, 1)
    return net


def unet_eddl() -> Layer:
    """EDDL: a U-Net with three levels."""
    given = eddl.Input([3, 128, 128])
    skips, x = [], given
    for filters in (16, 32):
        x = eddl.ReLu(eddl.Conv(eddl.ReLu(eddl.Conv(x, filters, [3, 3])), filters, [3, 3]))
        skips.append(x)
        x = eddl.MaxPool(x, [2, 2])
    x = eddl.ReLu(eddl.Conv(eddl.ReLu(eddl.Conv(x, 64, [3, 3])), 64, [3, 3]))
    for filters, skip in zip((32, 16), reversed(skips), strict=True):
        x = eddl.Concat([eddl.UpSampling(x, [2, 2]), skip])
        x = eddl.ReLu(eddl.Conv(eddl.ReLu(eddl.Conv(x, filters, [3, 3])), filters, [3, 3]))
    return given, eddl.Sigmoid(eddl.Conv(x, 1, [1, 1]))


class UNetTorch(nn.Module):
    """Torch: the same U-Net."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [(3, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64), (96, 32), (32, 32), (48, 16), (16, 16)]
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in sizes])
        self.last = nn.Conv2d(16, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run down, across and up."""
        pairs = [self.convs[index : index + 2] for index in range(0, 10, 2)]
        skips = []
        for pair in pairs[:2]:
            x = F.relu(pair[1](F.relu(pair[0](x))))
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = F.relu(pairs[2][1](F.relu(pairs[2][0](x))))
        for pair, skip in zip(pairs[3:], reversed(skips), strict=True):
            x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], 1)
            x = F.relu(pair[1](F.relu(pair[0](x))))
        return torch.sigmoid(self.last(x))


def lenet_eddl() -> Layer:
    """EDDL: LeNet."""
    given = eddl.Input([1, 28, 28])
    x = eddl.MaxPool(eddl.ReLu(eddl.Conv(given, 6, [5, 5])), [2, 2])
    x = eddl.Flatten(eddl.MaxPool(eddl.ReLu(eddl.Conv(x, 16, [5, 5], [1, 1], "valid")), [2, 2]))
    x = eddl.ReLu(eddl.Dense(eddl.ReLu(eddl.Dense(x, 120)), 84))
    return given, eddl.Softmax(eddl.Dense(x, 10))


def lenet_torch() -> nn.Module:
    """Torch: LeNet."""
    pooled = [nn.ReLU(), nn.MaxPool2d(2)]
    dense = [nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), *pooled, nn.Conv2d(6, 16, 5), *pooled, *dense)


def lstm_eddl() -> Layer:
    """EDDL: an LSTM and a dense layer on its last step."""
    given = eddl.Input([64])
    return given, eddl.Dense(eddl.LSTM(given, 128), 10)


class LstmTorch(nn.Module):
    """Torch: an LSTM and a linear layer on its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.dense = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run over the sequence."""
        return self.dense(self.lstm(x)[0][:, -1])


CASES: dict[str, dict[str, Any]] = {
    "resnet18": {
        "ours": resnet18_eddl,
        "theirs": resnet18_torch,
        "loss": "sce",
        "shape": (32, 3, 96, 96),
        "target": (10,),
    },
    "unet": {"ours": unet_eddl, "theirs": UNetTorch, "loss": "bce", "shape": (8, 3, 128, 128), "target": (1, 128, 128)},
    "lenet": {"ours": lenet_eddl, "theirs": lenet_torch, "loss": "sce", "shape": (32, 1, 28, 28), "target": (10,)},
    "lstm": {"ours": lstm_eddl, "theirs": LstmTorch, "loss": "mse", "shape": (32, 50, 64), "target": (10,)},
}
LR = {"sce": 1e-6, "bce": 1e-8, "mse": 1e-3}
"""Small, so that what rounding does differently does not grow over the steps into another training."""
METRICS = {"sce": "accuracy", "bce": "mse", "mse": "mse"}


# ---------------------------------------------------------------------- the two sides


class Ours:
    """The EDDL program."""

    def __init__(self, case: dict[str, Any], threads: int) -> None:
        given, out = case["ours"]()
        self.net = eddl.Model([given], [out])
        service = eddl.CS_CPU(threads)
        eddl.build(self.net, eddl.sgd(LR[case["loss"]], 0.9), [case["loss"]], [METRICS[case["loss"]]], service)

    def step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Train one batch and return its mean loss."""
        eddl.reset_loss(self.net)
        y = y.unsqueeze(1) if self.net.isrecurrent else y  # one time step
        eddl.train_batch(self.net, [eddl.Tensor.from_torch(x)], [eddl.Tensor.from_torch(y)])
        return float(eddl.get_losses(self.net)[0])


class Theirs:
    """What a careful person would write with torch."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.model = case["theirs"]().train()
        self.loss = case["loss"]
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LR[self.loss], momentum=0.9, foreach=True)
        self.metric = 0.0

    def step(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Train one batch and return its mean loss."""
        out = self.model(x)
        value, loss = self.losses(out, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(value)

    def losses(self, out: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is reported, and what is differentiated: EDDL's gradient of mse has no factor 2 / elements."""
        if self.loss == "sce":
            loss = F.cross_entropy(out, y)
            self.metric += float((out.detach().argmax(1) == y.argmax(1)).sum())
            return loss.detach(), loss
        squares = F.mse_loss(out, y, reduction="sum")
        value = squares.detach() / y[0].numel() / len(y)
        self.metric += float(value)
        if self.loss == "mse":
            return value, squares / 2 / len(y)
        loss = F.binary_cross_entropy(out, y, reduction="sum") / len(y)
        return loss.detach(), loss

    def copy_from(self, net: Any) -> None:
        """Take over the weights of the EDDL net, layer by layer in the order in which both were written."""
        given = [layer for layer in net.layers if layer.slots()]
        mine = [each for each in self.model.modules() if next(each.parameters(recurse=False), None) is not None]
        for module, layer in zip(mine, given, strict=True):
            copy_layer(module, layer)


@torch.no_grad()
def copy_layer(module: nn.Module, layer: Any) -> None:
    """Copy one layer's parameters into the torch module of the same kind."""
    params = [param.torch for param in layer.params]
    if isinstance(module, nn.Linear):
        module.weight.copy_(params[0].T)
        module.bias.copy_(params[1])
    elif isinstance(module, nn.LSTM):
        order = (0, 1, 3, 2)  # EDDL: i f o c; torch: i f g o
        module.weight_ih_l0.copy_(torch.cat([params[gate].T for gate in order]))
        module.weight_hh_l0.copy_(torch.cat([params[4 + gate].T for gate in order]))
        module.bias_ih_l0.copy_(torch.cat([params[8 + gate] for gate in order]))
        module.bias_hh_l0.zero_()
        module.bias_hh_l0.requires_grad_(False)  # one bias, as EDDL's
    else:
        module.weight.copy_(params[0].view_as(module.weight))
        if module.bias is not None:
            module.bias.copy_(params[1])


def batches(case: dict[str, Any], count: int = 8) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return random batches."""
    found = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(case["shape"], generator=generator)
        shape = (case["shape"][0], *case["target"])
        if case["loss"] == "sce":
            y = F.one_hot(torch.randint(0, 10, (shape[0],), generator=generator), 10).float()
        else:
            y = torch.rand(shape, generator=generator).round()
        found.append((x, y))
    return found


def step(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare ``train_batch`` with the hand-written loop."""
    case = CASES[name]
    ours, theirs = Ours(case, arguments.threads), Theirs(case)
    theirs.copy_from(ours.net)
    return alternate(case, ours.step, theirs.step, arguments.steps)


def compiled(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare training through ``torch.compile(net.module)`` with training through ``net.module``.

    Beside it stands what compiling does to the hand-written net.
    """
    case = CASES[name]
    sides = [Ours(case, arguments.threads) for _ in range(2)]
    eddl.set_parameters(sides[0].net, eddl.get_parameters(sides[1].net))
    sides[0].net.module = torch.compile(sides[0].net.module)
    hands = [Theirs(case) for _ in range(2)]
    for hand in hands:
        hand.copy_from(sides[1].net)
    hands[0].model = torch.compile(hands[0].model)
    for x, y in batches(case, 2):
        for side in (*sides, *hands):
            side.step(x, y)  # the first steps compile
    ours = alternate(case, sides[0].step, sides[1].step, arguments.steps)
    return {**ours, "hand_written": alternate(case, hands[0].step, hands[1].step, arguments.steps)}


Step = Callable[[torch.Tensor, torch.Tensor], float]


def alternate(case: dict[str, Any], ours: Step, theirs: Step, steps: int) -> dict[str, Any]:
    """Let both sides train in turn on the same batches, first one, then the other first."""
    data, times, losses = batches(case), ([], []), ([], [])
    for number in range(steps):
        x, y = data[number % len(data)]
        for side in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            loss = (ours, theirs)[side](x, y)
            times[side].append(time.perf_counter() - began)
            losses[side].append(loss)
    worst = float(np.max(np.abs(np.array(losses[0]) - losses[1]) / np.abs(losses[1])))
    if worst > 1e-4:
        return {"equal": False, "largest_difference_of_losses": worst}
    return {"equal": True, "largest_difference_of_losses": worst, **ratio(*times)}


# ---------------------------------------------------------------------- memory


def memory(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the peak memory of three steps on each side, each in a process of its own."""
    peaks = {}
    # what is freed goes back at once, so that the peak is what was held, not how the allocator's heap happened to split
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    for side in ("ours", "theirs"):
        command = [sys.executable, __file__, "--side", side, "--cases", name, "--threads", str(arguments.threads)]
        peaks[side] = int(
            subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()[-1]
        )
    found = {f"{side}_mib": round(peak / 2**20, 1) for side, peak in peaks.items()}
    return {"equal": True, **found, "ratio": round(peaks["ours"] / peaks["theirs"], 4)}


def peak_of(side: str, name: str) -> int:
    """Return by how many bytes three steps raise the peak of this process above what it held before them."""
    case = CASES[name]
    trained: Any = Ours(case, torch.get_num_threads()) if side == "ours" else Theirs(case)
    data = batches(case, 3)
    Path("/proc/self/clear_refs").write_text("5")  # the kernel forgets the peak so far
    before = status("VmRSS")
    for x, y in data:
        trained.step(x, y)
    return status("VmHWM") - before


def status(field: str) -> int:
    """Return a size of this process, in bytes."""
    line = next(line for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
