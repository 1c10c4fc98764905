"""Data sets and pretrained networks under the original's names.

The ``download_*`` functions look in the current folder, then in a cache folder (``DEEPHEALTH_CACHE``, else the
platform's), and only then on the network; without a network they say which file to put where and how to make it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.eddl.data.accelerators import download_hlsinf
    from deephealth.eddl.data.datasets import (
        download_cifar10,
        download_drive,
        download_eutrans,
        download_flickr,
        download_imdb_2000,
        download_mnist,
        exist,
    )
    from deephealth.eddl.data.pretrained import (
        download_densenet121,
        download_model,
        download_resnet18,
        download_resnet34,
        download_resnet50,
        download_resnet101,
        download_resnet152,
        download_vgg16,
        download_vgg16_bn,
        download_vgg19,
        download_vgg19_bn,
    )
    from deephealth.eddl.data.topk import get_topk_predictions

__all__ = [
    "download_cifar10",
    "download_densenet121",
    "download_drive",
    "download_eutrans",
    "download_flickr",
    "download_hlsinf",
    "download_imdb_2000",
    "download_mnist",
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
    "exist",
    "get_topk_predictions",
]

_DATASETS = ("cifar10", "drive", "eutrans", "flickr", "imdb_2000", "mnist")
_HOMES = dict.fromkeys(__all__, "pretrained") | {
    **{f"download_{name}": "datasets" for name in _DATASETS},
    "exist": "datasets",
    "download_hlsinf": "accelerators",
    "get_topk_predictions": "topk",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
