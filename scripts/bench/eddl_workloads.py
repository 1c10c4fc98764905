"""The workloads on which the original EDDL was timed, through ``deephealth.eddl`` and through hand-written torch.

    python scripts/bench/eddl_workloads.py --rounds 5 --threads 2

Both sides run in turn in one process, on equal weights; what they put out before the first update must agree within
1e-4. Beside our ratio to torch stands the original EDDL's, measured on another 2-core machine beside torch 2.13 (times
of two machines cannot be compared, ratios to the same library can). Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from eddl_step import copy_layer
from torch import nn
from torch.nn import functional as F

from deephealth import eddl

EDDL_TO_TORCH = {
    "mlp_epoch": 2.04,
    "lenet_epoch": 4.74,
    "vgg_3_adam_steps": 3.71,
    "vgg_forward": 4.92,
    "resnet_3_adam_steps": 3.82,
    "resnet_forward": 5.69,
    "lstm_adam_step": 2.65,
    "tensor_matmul": 1.42,
    "tensor_add": 1.35,
    "tensor_exp": 0.57,
    "tensor_sum": 1.70,
    "tensor_transpose": 26.0,
}


def main() -> int:
    """Time every workload and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = {}
    for name, (ours, theirs, equal) in workloads(arguments.threads):
        results[name] = measure(ours, theirs, arguments.rounds) | {"equal": equal, "eddl_to_torch": EDDL_TO_TORCH[name]}
        print(f"{name}: {results[name]}", file=sys.stderr)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    print(json.dumps({"workloads": results, "threads": arguments.threads, "versions": versions}, indent=2))
    return 0 if all(result["equal"] for result in results.values()) else 1


Run = Callable[[], Any]


def measure(ours: Run, theirs: Run, rounds: int) -> dict[str, float]:
    """Return medians over interleaved rounds, each the best of three after a warm-up, and the range of the ratio."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            times[side].append(min(timed((ours, theirs)[side]) for _ in range(3)))
    our_ms, their_ms = (1000 * float(np.median(side)) for side in times)
    low, high = min(times[0]) / max(times[1]), max(times[0]) / min(times[1])
    found = {"ours_ms": our_ms, "torch_ms": their_ms, "ratio": our_ms / their_ms, "low": low, "high": high}
    return {key: round(value, 4) for key, value in found.items()}


def timed(run: Run) -> float:
    """Return the seconds of one run."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def workloads(threads: int) -> list[tuple[str, tuple[Run, Run, bool]]]:
    """Return name and (our run, torch's run, whether both are equal) of every workload."""
    found: list[tuple[str, tuple[Run, Run, bool]]] = []
    mlp = Pair(mlp_eddl, mlp_torch, (784,), threads, adam=False)
    found.append(("mlp_epoch", (*mlp.epochs(10_000, 100), mlp.equal)))
    lenet = Pair(lenet_eddl, lenet_torch, (1, 28, 28), threads, adam=False)
    found.append(("lenet_epoch", (*lenet.epochs(2_000, 100), lenet.equal)))
    for name, ours, theirs in (("vgg", vgg_eddl, vgg_torch), ("resnet", resnet_eddl, ResNetTorch)):
        pair = Pair(ours, theirs, (3, 64, 64), threads, adam=True)
        found.append((f"{name}_3_adam_steps", (*pair.steps(3), pair.equal)))
        found.append((f"{name}_forward", (*pair.forwards(), pair.equal)))
    pair = Pair(lstm_eddl, LstmTorch, (50, 64), threads, adam=True)
    found.append(("lstm_adam_step", (*pair.steps(1), pair.equal)))
    return found + tensors()


# ---------------------------------------------------------------------- nets


class Pair:
    """One net on both sides, with equal weights.

    Args:
        ours: makes (input layer, output layer).
        theirs: makes the torch module, which returns logits.
        shape: of one sample.
        threads: of the CPU.
        adam: Adam instead of plain SGD.
    """

    def __init__(
        self, ours: Callable[[], Any], theirs: Callable[[], nn.Module], shape: Any, threads: int, *, adam: bool
    ) -> None:
        given, out = ours()
        self.net = eddl.Model([given], [out])
        optimizer = eddl.adam(0.0001) if adam else eddl.sgd(0.001)
        eddl.build(self.net, optimizer, ["softmax_cross_entropy"], ["accuracy"], eddl.CS_CPU(threads))
        self.model = theirs()
        layers = [layer for layer in self.net.layers if layer.slots()]
        modules = [m for m in self.model.modules() if next(m.parameters(recurse=False), None) is not None]
        for module, layer in zip(modules, layers, strict=True):
            copy_layer(module, layer)
        kind = torch.optim.Adam if adam else torch.optim.SGD
        self.optimizer = kind(self.model.parameters(), lr=0.0001 if adam else 0.001)
        self.x, self.y = self.data(32, shape)
        self.shape = shape
        self.equal = self.agree()

    def data(self, samples: int, shape: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return random samples and one-hot targets."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(samples, *shape, generator=generator)
        return x, F.one_hot(torch.randint(0, 10, (samples,), generator=generator), 10).float()

    def agree(self) -> bool:
        """Return whether both sides put out the same."""
        with torch.no_grad():
            theirs = torch.softmax(self.model.eval()(self.x), 1)
        ours = eddl.predict(self.net, [eddl.Tensor.from_torch(self.x)])[0].torch
        self.model.train()
        return bool(torch.allclose(ours.reshape(theirs.shape), theirs, rtol=1e-4, atol=1e-6))

    def train_ours(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Make one EDDL step."""
        y = y.unsqueeze(1) if self.net.isrecurrent else y
        eddl.train_batch(self.net, [eddl.Tensor.from_torch(x)], [eddl.Tensor.from_torch(y)])

    def train_theirs(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Make one torch step; the loss and the accuracy are read, as EDDL's are."""
        out = self.model(x)
        loss = F.cross_entropy(out, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach()) + float((out.detach().argmax(1) == y.argmax(1)).sum())

    def epochs(self, samples: int, batch: int) -> tuple[Run, Run]:
        """Return runs over all samples in batches, in order."""
        x, y = self.data(samples, self.shape)
        parts = [(x[start : start + batch], y[start : start + batch]) for start in range(0, samples, batch)]
        return (
            lambda: [self.train_ours(*part) for part in parts],
            lambda: [self.train_theirs(*part) for part in parts],
        )

    def steps(self, count: int) -> tuple[Run, Run]:
        """Return runs of some steps on one batch."""
        return (
            lambda: [self.train_ours(self.x, self.y) for _ in range(count)],
            lambda: [self.train_theirs(self.x, self.y) for _ in range(count)],
        )

    def forwards(self) -> tuple[Run, Run]:
        """Return predictions of one batch."""

        def theirs() -> None:
            with torch.no_grad():
                torch.softmax(self.model.eval()(self.x), 1)
            self.model.train()

        return lambda: eddl.predict(self.net, [eddl.Tensor.from_torch(self.x)]), theirs


def mlp_eddl() -> Any:
    """784-1024-1024-10."""
    x = eddl.Input([784])
    hidden = eddl.ReLu(eddl.Dense(eddl.ReLu(eddl.Dense(x, 1024)), 1024))
    return x, eddl.Softmax(eddl.Dense(hidden, 10))


def mlp_torch() -> nn.Module:
    """784-1024-1024-10."""
    return nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


def lenet_eddl() -> Any:
    """LeNet with 6 and 16 filters."""
    given = eddl.Input([1, 28, 28])
    x = eddl.MaxPool(eddl.ReLu(eddl.Conv(given, 6, [5, 5])), [2, 2])
    x = eddl.Flatten(eddl.MaxPool(eddl.ReLu(eddl.Conv(x, 16, [5, 5], [1, 1], "valid")), [2, 2]))
    x = eddl.ReLu(eddl.Dense(eddl.ReLu(eddl.Dense(x, 120)), 84))
    return given, eddl.Softmax(eddl.Dense(x, 10))


def lenet_torch() -> nn.Module:
    """LeNet with 6 and 16 filters."""
    pooled = [nn.ReLU(), nn.MaxPool2d(2)]
    dense = [nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), *pooled, nn.Conv2d(6, 16, 5), *pooled, *dense)


def vgg_eddl() -> Any:
    """Three pairs of convolutions with batch normalisation, and 256 units."""
    given = x = eddl.Input([3, 64, 64])
    for filters in (32, 64, 128):
        for _ in range(2):
            x = eddl.ReLu(eddl.BatchNormalization(eddl.Conv(x, filters, [3, 3]), True))
        x = eddl.MaxPool(x, [2, 2])
    return given, eddl.Softmax(eddl.Dense(eddl.ReLu(eddl.Dense(eddl.Flatten(x), 256)), 10))


def vgg_torch() -> nn.Module:
    """Three pairs of convolutions with batch normalisation, and 256 units."""
    parts: list[nn.Module] = []
    before = 3
    for filters in (32, 64, 128):
        for _ in range(2):
            parts += [nn.Conv2d(before, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]
            before = filters
        parts.append(nn.MaxPool2d(2))
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(8192, 256), nn.ReLU(inplace=True), nn.Linear(256, 10))


def resnet_eddl() -> Any:
    """Three residual blocks of 32 filters."""
    given = eddl.Input([3, 64, 64])
    x = eddl.MaxPool(eddl.ReLu(eddl.Conv(given, 32, [3, 3])), [2, 2])
    for _ in range(3):
        y = eddl.ReLu(eddl.BatchNormalization(eddl.Conv(x, 32, [3, 3]), True))
        y = eddl.BatchNormalization(eddl.Conv(y, 32, [3, 3]), True)
        x = eddl.ReLu(eddl.Add([y, x]))
    return given, eddl.Softmax(eddl.Dense(eddl.Flatten(eddl.GlobalAveragePool2D(x)), 10))


class ResNetTorch(nn.Module):
    """Three residual blocks of 32 filters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        conv = [lambda: nn.Conv2d(32, 32, 3, padding=1), lambda: nn.BatchNorm2d(32)]
        self.blocks = nn.ModuleList([nn.ModuleList([make() for make in conv * 2]) for _ in range(3)])
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run stem, blocks and head."""
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        for conv1, norm1, conv2, norm2 in self.blocks:
            x = F.relu(norm2(conv2(F.relu(norm1(conv1(x))))) + x)
        return self.head(x.mean((2, 3)))


def lstm_eddl() -> Any:
    """LSTM 64 -> 128 and a dense layer."""
    x = eddl.Input([64])
    return x, eddl.Softmax(eddl.Dense(eddl.LSTM(x, 128), 10))


class LstmTorch(nn.Module):
    """LSTM 64 -> 128 and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.dense = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run over the sequence."""
        return self.dense(self.lstm(x)[0][:, -1])


# ---------------------------------------------------------------------- tensors


def tensors() -> list[tuple[str, tuple[Run, Run, bool]]]:
    """Return operations on 1000 x 1000 Tensors and on torch tensors."""
    a, b = torch.randn(1000, 1000), torch.randn(1000, 1000)
    A, B = eddl.Tensor.from_torch(a), eddl.Tensor.from_torch(b)  # noqa: N806
    pairs: dict[str, tuple[Run, Run]] = {
        "tensor_matmul": (lambda: eddl.Tensor.mult2D(A, B), lambda: a @ b),
        "tensor_add": (lambda: A.add(B), lambda: a + b),
        "tensor_exp": (lambda: A.exp(), lambda: a.exp()),
        "tensor_sum": (lambda: A.sum(), lambda: float(a.sum())),
        "tensor_transpose": (lambda: A.permute([1, 0]), lambda: a.t().contiguous()),
    }
    return [(name, (ours, theirs, same(ours(), theirs()))) for name, (ours, theirs) in pairs.items()]


def same(ours: Any, theirs: Any) -> bool:
    """Return whether two results are equal within 1e-4."""
    if isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-2 * max(1.0, abs(theirs))
    return bool(torch.allclose(ours.torch, theirs, rtol=1e-4, atol=1e-4))


if __name__ == "__main__":
    sys.exit(main())
