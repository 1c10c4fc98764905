"""Instances of label maps (lesions, nuclei, vertebrae), and how those of a prediction and a reference overlap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import coo_matrix

from deephealth.core.errors import DataError
from deephealth.kernels.components import connected_components

__all__ = ["Instances", "Overlaps", "instances_of", "overlaps"]


class Instances(NamedTuple):
    """The instances of one map.

    Args:
        numbers: the map, 0 where none is, then from 1.
        classes: class of each of the N instances.
        sizes: voxels of each.
    """

    numbers: np.ndarray
    classes: np.ndarray
    sizes: np.ndarray


class Overlaps(NamedTuple):
    """The K pairs of instances that share a voxel.

    Args:
        predicted: place of each pair's predicted instance, from 0.
        true: place of its instance of the reference.
        shared: voxels they share.
    """

    predicted: np.ndarray
    true: np.ndarray
    shared: np.ndarray


def instances_of(
    labels: torch.Tensor, void: int, instances: torch.Tensor | None = None, connectivity: int | None = None
) -> Instances:
    """Return the instances of a map of class numbers; class 0 and ``void`` have none.

    Args:
        labels: D×H×W or H×W class numbers.
        void: the class of what doesn't count.
        instances: numbers of the same shape, such that class and number together make an instance; without them the
            connected components of each class are its instances.
        connectivity: of the components.

    Raises:
        DataError: the shapes differ, or the numbers of instances are not whole.

    Example:
        >>> found = instances_of(torch.tensor([[1, 1, 0, 1, 2]]), 9)
        >>> found.numbers.tolist(), found.classes.tolist(), found.sizes.tolist()
        ([[1, 1, 0, 2, 3]], [1, 1, 2], [2, 1, 1])
    """
    held = torch.where(labels == void, torch.zeros_like(labels), labels)
    if instances is None:
        components, count = connected_components(held, connectivity=connectivity)
        numbers, classes = components.cpu().numpy(), held.cpu().numpy()
        class_of = np.zeros(count + 1, dtype=np.int64)
        class_of[numbers.ravel()] = classes.ravel()
    else:
        if instances.shape != labels.shape or instances.is_floating_point():
            raise DataError(
                f"instances of shape {tuple(instances.shape)}, {instances.dtype}, for a map of {tuple(labels.shape)}",
                allowed="whole numbers, one per voxel",
            )
        numbers, class_of = _numbered(held.cpu().numpy(), instances.detach().cpu().numpy())
    sizes = np.bincount(numbers.ravel(), minlength=len(class_of))
    return Instances(numbers, class_of[1:], sizes[1:])


def overlaps(predicted: Instances, true: Instances) -> Overlaps:
    """Return which instances of two maps of one shape share voxels, and how many.

    Example:
        >>> a, b = (instances_of(torch.tensor([row]), 9) for row in ([1, 1, 0, 1], [0, 1, 1, 1]))
        >>> overlaps(a, b).shared.tolist()
        [1, 1]
    """
    both = (predicted.numbers > 0) & (true.numbers > 0)
    rows, columns = predicted.numbers[both] - 1, true.numbers[both] - 1
    shape = len(predicted.classes), len(true.classes)
    table = coo_matrix((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape).tocsr().tocoo()
    return Overlaps(table.row.astype(np.int64), table.col.astype(np.int64), table.data)


def _numbered(classes: np.ndarray, instances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the pairs of class and instance from 1; return the map and each number's class."""
    held = classes > 0
    pairs = np.stack([classes[held].astype(np.int64), instances[held].astype(np.int64)])
    numbers = np.zeros(classes.shape, dtype=np.int64)
    order = np.lexsort(pairs[::-1])
    changes = np.ones(len(order), dtype=bool)
    changes[1:] = (np.diff(pairs[:, order], axis=1) != 0).any(0)
    ranked = np.empty(len(order), dtype=np.int64)
    ranked[order] = np.cumsum(changes)
    numbers[held] = ranked
    return numbers, np.concatenate([[0], pairs[0, order][changes]])
