"""Small made-up files of the kinds that upstream's example programs load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import fx, nn

RNG = np.random.default_rng(7)


def write_bin(path: Path, array: np.ndarray) -> None:
    """EDDL's record: int32 ndim, int32 sizes, float32 values."""
    header = np.array([array.ndim, *array.shape], dtype="<i4").tobytes()
    path.write_bytes(header + np.ascontiguousarray(array, dtype="<f4").tobytes())


def one_hot(classes: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[classes]


def _pictures(count: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose class shows in their brightness, so that something can be learnt."""
    labels = np.arange(count) % 10
    noise = RNG.uniform(0, 55, (count, *shape))
    return noise + 20.0 * labels.reshape(-1, *[1] * len(shape)), one_hot(labels, 10)


def mnist(folder: Path, train: int = 240, test: int = 120) -> None:
    for part, count in (("tr", train), ("ts", test)):
        images, labels = _pictures(count, (784,))
        write_bin(folder / f"mnist_{part}X.bin", images)
        write_bin(folder / f"mnist_{part}Y.bin", labels)


def keras_mnist(folder: Path) -> None:
    images = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = RNG.integers(0, 10, 20, dtype=np.uint8)
    np.savez(folder / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)


def cifar(folder: Path, train: int = 40, test: int = 20) -> None:
    for part, count in (("tr", train), ("ts", test)):
        images, labels = _pictures(count, (3, 32, 32))
        write_bin(folder / f"cifar_{part}X.bin", images)
        write_bin(folder / f"cifar_{part}Y.bin", labels)


def drive(folder: Path) -> None:
    write_bin(folder / "drive_trX.bin", RNG.integers(0, 256, (20, 584, 584, 3), dtype=np.uint8))
    write_bin(folder / "drive_trY.bin", 255 * RNG.integers(0, 2, (20, 584, 584), dtype=np.uint8))


def imdb(folder: Path) -> None:
    for part in ("tr", "ts"):
        write_bin(folder / f"imdb_2000_{part}X.bin", RNG.integers(0, 2000, (64, 250)))
        write_bin(folder / f"imdb_2000_{part}Y.bin", RNG.integers(0, 2, (64, 1)))


def eutrans(folder: Path) -> None:
    for part in ("tr", "ts"):
        write_bin(folder / f"eutrans_{part}X.bin", RNG.integers(0, 687, (24, 30)))
        write_bin(folder / f"eutrans_{part}Y.bin", RNG.integers(0, 514, (24, 30)))


def flickr(folder: Path) -> None:
    write_bin(folder / "flickr_trX.bin", RNG.integers(0, 256, (6, 256, 256, 3), dtype=np.uint8))
    write_bin(folder / "flickr_trY.bin", RNG.integers(0, 2000, (6, 20)))


def picture(folder: Path) -> None:
    from PIL import Image

    Image.fromarray(RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)).save(folder / "elephant.jpg")
    (folder / "class_names.txt").write_text("".join(f"class {i}\n" for i in range(1000)), encoding="utf-8")


def resnet18(folder: Path) -> None:
    """A ResNet-18 with random weights under the node names of the ONNX zoo's file."""
    ResNetWriter("resnetv15", "flatten_170").write(folder / "resnet18.onnx", "resnet18")


def resnet34(folder: Path) -> None:
    """A ResNet-34 with random weights under the node names of the ONNX zoo's file."""
    ResNetWriter("resnetv16", "flatten_306").write(folder / "resnet34-v1-7.onnx", "resnet34")


class ResNetWriter:
    """Writes one of torchvision's ResNets as ONNX, node by node.

    Args:
        prefix: what the names of its nodes begin with.
        flatten: name of its flattening node.
    """

    def __init__(self, prefix: str, flatten: str) -> None:
        self.prefix, self.flatten = prefix, flatten
        self.nodes: list = []
        self.weights: list = []
        self.counts: dict[str, int] = {}

    def add(self, kind: str, inputs: list[str], arrays: Sequence[torch.Tensor] = (), name: str = "", **facts) -> str:
        from onnx import helper, numpy_helper

        number = self.counts[kind] = self.counts.get(kind, -1) + 1
        name = name or f"{self.prefix}_{kind.lower()}{number}_fwd"
        names = [f"{name}_{j}" for j in range(len(arrays))]
        self.weights += [numpy_helper.from_array(a.detach().numpy(), n) for a, n in zip(arrays, names, strict=True)]
        self.nodes.append(helper.make_node(kind, [*inputs, *names], [name], name=name, **facts))
        return name

    def add_module(self, module: nn.Module, source: str) -> str:
        if isinstance(module, nn.Conv2d):
            size = {"kernel_shape": module.kernel_size, "strides": module.stride, "pads": [*module.padding] * 2}
            return self.add("Conv", [source], [module.weight], **size)
        if isinstance(module, nn.BatchNorm2d):
            arrays = [module.weight, module.bias, module.running_mean, module.running_var]
            return self.add("BatchNormalization", [source], arrays, epsilon=module.eps, momentum=0.9)
        if isinstance(module, nn.MaxPool2d):
            return self.add("MaxPool", [source], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        if isinstance(module, nn.Linear):
            return self.add("Gemm", [source], [module.weight, module.bias], f"{self.prefix}_dense0_fwd", transB=1)
        return self.add("GlobalAveragePool" if isinstance(module, nn.AdaptiveAvgPool2d) else "Relu", [source])

    def write(self, path: Path, architecture: str) -> None:
        import onnx
        from onnx import TensorProto, helper
        from torchvision.models import get_model

        torch.manual_seed(0)
        network = fx.symbolic_trace(get_model(architecture, weights=None).eval())
        values = {}
        for node in network.graph.nodes:
            sources = [values[a] for a in node.args if isinstance(a, fx.Node) and a in values]
            if node.op == "placeholder":
                values[node] = "data"
            elif node.op == "call_module":
                values[node] = self.add_module(network.get_submodule(str(node.target)), sources[0])
            elif node.op == "call_function":
                two = len(sources) == 2
                values[node] = self.add("Add" if two else "Flatten", sources, name="" if two else self.flatten)
        data = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, 224, 224])
        scores = helper.make_tensor_value_info(self.nodes[-1].name, TensorProto.FLOAT, ["N", 1000])
        graph = helper.make_graph(self.nodes, architecture, [data], [scores], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7), str(path))


STAND_INS: dict[str, Callable[[Path], None]] = {
    "mnist": mnist,
    "keras_mnist": keras_mnist,
    "cifar": cifar,
    "drive": drive,
    "imdb": imdb,
    "eutrans": eutrans,
    "flickr": flickr,
    "picture": picture,
    "resnet18": resnet18,
    "resnet34": resnet34,
}
