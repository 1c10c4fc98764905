"""``download_resnet18`` and its sisters: networks trained on ImageNet, as EDDL nets.

An ``.onnx`` file under the original's name in the current folder is imported, as the original does. Otherwise the
network is torchvision's, rebuilt layer by layer, with torchvision's first ImageNet weights from torch's hub folder, the
cache or the network. Both want RGB from 0 to 1, normalised with the mean (0.485, 0.456, 0.406) and the deviation
(0.229, 0.224, 0.225).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from deephealth.core.errors import DataError, StorageError
from deephealth.eddl.data.cache import cache_folder, place
from deephealth.eddl.data.catalogue import MEBIBYTE
from deephealth.eddl.data.classifier import strip_classifier
from deephealth.eddl.data.fetch import fetch
from deephealth.eddl.errors import EddlError, EddlValueError

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = [
    "download_densenet121",
    "download_model",
    "download_resnet18",
    "download_resnet34",
    "download_resnet50",
    "download_resnet101",
    "download_resnet152",
    "download_vgg16",
    "download_vgg16_bn",
    "download_vgg19",
    "download_vgg19_bn",
    "pretrained_net",
]

IMAGENET_SHAPE = (3, 224, 224)
LARGEST_WEIGHTS = 1024 * MEBIBYTE
LARGEST_MODEL = 2048 * MEBIBYTE

# name of the function after download_ -> file that the original fetched
ONNX_FILES = {
    "vgg16": "vgg16.onnx",
    "vgg16_bn": "vgg16bn-7.onnx",
    "vgg19": "vgg19-7.onnx",
    "vgg19_bn": "vgg19bn-7.onnx",
    "resnet18": "resnet18.onnx",
    "resnet34": "resnet34.onnx",
    "resnet50": "resnet50.onnx",
    "resnet101": "resnet101.onnx",
    "resnet152": "resnet152.onnx",
    "densenet121": "densenet121.onnx",
}


def download_model(name: str, link: str) -> None:
    """Provide a model file in the current folder: as it is there, from the cache, or from the original's share.

    Args:
        name: its file name, such as ``"resnet18.onnx"``.
        link: the folder of the share that it lies in.

    Raises:
        EddlError: it is not here and cannot be fetched.
        EddlValueError: ``name`` is a path, or ``link`` no folder of the share.
    """
    if Path(name).name != name or not re.fullmatch(r"[\w-]+", link):
        raise EddlValueError(
            f"download_model({name!r}, {link!r})", allowed="a file name, and letters and digits of the share"
        )
    if Path(name).is_file():
        return
    cached = cache_folder("models") / name
    if not cached.is_file():
        try:
            fetch(f"https://www.dropbox.com/s/{link}/{name}?dl=1", cached, limit=LARGEST_MODEL)
        except (DataError, StorageError) as error:
            raise EddlError(
                "eddl.download_model",
                f"{name} is not here and can't be fetched ({str(error).splitlines()[0]})",
                allowed=f"in the current folder, {Path.cwd()}, or in {cached.parent}",
                hint=f"copy {name} there from a machine that has it, or export it there with save_net_to_onnx_file",
            ) from error
    place(cached, Path.cwd())


def pretrained_net(name: str, top: bool, input_shape: Sequence[int]) -> Net:
    """Return an ImageNet network as an EDDL net, with its weights and not built yet.

    Args:
        name: one of the ten networks, such as ``"resnet18"``.
        top: whether the classifier is taken off; the last layer is then named ``top``.
        input_shape: shape of one sample; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
        EddlShapeError: the classifier does not fit the shape.
    """
    for file in (ONNX_FILES[name], f"{name}.onnx"):
        if Path(file).is_file():
            return _from_onnx(file, top, input_shape)
    network = _torchvision(name)
    network.load_state_dict(_state(name))
    return net_of(network, name, top=top, input_shape=input_shape)


def net_of(network: torch.nn.Module, name: str, *, top: bool, input_shape: Sequence[int]) -> Net:
    """Return one of torchvision's ten networks as an EDDL net.

    Args:
        network: the torch network.
        name: which of the ten it is.
        top: whether the classifier is taken off.
        input_shape: shape of one sample; empty for [3, 224, 224].
    """
    from deephealth.eddl.data.torch_graph import layers_of
    from deephealth.eddl.net.model import Model

    if top:
        network = _without_classifier(network, name)
    first, last = layers_of(network.eval(), input_shape or IMAGENET_SHAPE)
    if top:
        # the original's DenseNet ends at its pool, because its classifier is a convolution
        last = last.parent[0] if name.startswith("densenet") else last
        last.child.clear()
        last.name = "top"
    net = Model([first], [last])
    net.onnx_pretrained = True
    return net


def _without_classifier(network: torch.nn.Module, name: str) -> torch.nn.Module:
    """Replace the classifier, and what only fits it, by nothing."""
    parts = {"resnet": ["fc"], "vgg": ["classifier", "avgpool"], "densenet": ["classifier"]}
    for part in next(parts[family] for family in parts if name.startswith(family)):
        setattr(network, part, torch.nn.Identity())
    return network


def _from_onnx(file: str, top: bool, input_shape: Sequence[int]) -> Net:
    from deephealth.eddl import import_net_from_onnx_file

    net: Any = import_net_from_onnx_file(file, list(input_shape) or None)
    net.lin[0].name = "input"
    if top:
        strip_classifier(net)
    return net


def _torchvision(name: str) -> torch.nn.Module:
    from torchvision.models import get_model

    network: torch.nn.Module = get_model(name, weights=None)
    return network


def _state(name: str) -> dict[str, torch.Tensor]:
    """Read the ImageNet weights; DenseNet's file has names from before torch forbade dots in them."""
    state = torch.load(_weights_file(name), map_location="cpu", weights_only=True)
    if name.startswith("densenet"):
        state = {re.sub(r"\.(norm|relu|conv)\.([12])\.", r".\1\2.", key): value for key, value in state.items()}
    return dict(state)


def _weights_file(name: str) -> Path:
    """Find the weights in torch's hub folder or in the cache, or fetch them; the file's name holds its checksum."""
    from torchvision.models import get_model_weights

    url = str(get_model_weights(name)["IMAGENET1K_V1"].url)
    file = url.rpartition("/")[2]
    places = (Path(torch.hub.get_dir()) / "checkpoints" / file, cache_folder("weights") / file)
    for path in places:
        if path.is_file():
            return path
    checksum = re.search(r"-([0-9a-f]{8,})\.pth$", file)
    digest = ("sha256", checksum[1]) if checksum else None
    try:
        return fetch(url, places[1], limit=LARGEST_WEIGHTS, digest=digest)
    except (DataError, StorageError) as error:
        raise EddlError(
            f"eddl.download_{name}",
            f"the weights {file} are not here and can't be fetched ({str(error).splitlines()[0]})",
            allowed=f"{places[0]} or {places[1]}; or {ONNX_FILES[name]} in the current folder, {Path.cwd()}",
            hint=f"fetch {url} on a machine with a network and copy it there",
        ) from error


def download_vgg16(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return VGG-16, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 25088 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("vgg16", top, input_shape)


def download_vgg16_bn(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return VGG-16 with batch normalisation, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 25088 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("vgg16_bn", top, input_shape)


def download_vgg19(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return VGG-19, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 25088 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("vgg19", top, input_shape)


def download_vgg19_bn(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return VGG-19 with batch normalisation, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 25088 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("vgg19_bn", top, input_shape)


def download_resnet18(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return ResNet-18, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 512 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("resnet18", top, input_shape)


def download_resnet34(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return ResNet-34, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 512 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("resnet34", top, input_shape)


def download_resnet50(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return ResNet-50, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 2048 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("resnet50", top, input_shape)


def download_resnet101(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return ResNet-101, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 2048 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("resnet101", top, input_shape)


def download_resnet152(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return ResNet-152, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: 2048 features.
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("resnet152", top, input_shape)


def download_densenet121(top: bool = True, input_shape: list[int] = []) -> Net:
    """Return DenseNet-121, trained on ImageNet.

    Args:
        top: whether the classifier is taken off; the net then ends in ``top``: features of shape [1024, 1, 1].
        input_shape: shape of one sample, [3, height, width]; empty for [3, 224, 224].

    Raises:
        EddlError: there are no weights here and none can be fetched.
    """
    return pretrained_net("densenet121", top, input_shape)
