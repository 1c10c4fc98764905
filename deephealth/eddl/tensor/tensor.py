"""EDDL's Tensor: numbers of single precision on the CPU or a graphics card, over a torch tensor."""

from __future__ import annotations

from deephealth.eddl.tensor.arithmetic import Arithmetic
from deephealth.eddl.tensor.comparison import Comparison
from deephealth.eddl.tensor.creation import Creation
from deephealth.eddl.tensor.devices import DEV_CPU, DEV_FPGA, DEV_GPU
from deephealth.eddl.tensor.elementwise import Elementwise
from deephealth.eddl.tensor.files import Files
from deephealth.eddl.tensor.joining import Joining
from deephealth.eddl.tensor.linear import Linear
from deephealth.eddl.tensor.logic import Logic
from deephealth.eddl.tensor.operators import Operators
from deephealth.eddl.tensor.parametrised import Parametrised
from deephealth.eddl.tensor.placement import Placement
from deephealth.eddl.tensor.random_geometry import RandomGeometry
from deephealth.eddl.tensor.randomness import Randomness
from deephealth.eddl.tensor.reduction import Reduction
from deephealth.eddl.tensor.selection import Selection
from deephealth.eddl.tensor.shapes import Shapes
from deephealth.eddl.tensor.sorting import Sorting
from deephealth.eddl.tensor.text import Text

__all__ = ["DEV_CPU", "DEV_FPGA", "DEV_GPU", "Tensor"]


class Tensor(
    Elementwise,
    Parametrised,
    Arithmetic,
    Comparison,
    Logic,
    Reduction,
    Shapes,
    Sorting,
    Selection,
    Joining,
    Linear,
    RandomGeometry,
    Creation,
    Randomness,
    Files,
    Placement,
    Operators,
    Text,
):
    """An array of float32 numbers with EDDL's methods.

    A method ``X`` returns a new tensor, ``X_`` changes the tensor, ``static_X`` writes into its last argument; all may
    be called on the class too: ``Tensor.abs(a)``. NumPy sees the memory without a copy: ``np.asarray(a)``. The torch
    tensor is ``a.torch``. Dimensions are counted with the batch.

    Args:
        shape: sizes (a list of whole numbers), or values: a NumPy array, nested lists or a list with fractions. A
            one-dimensional array of whole numbers is read as sizes too; :meth:`fromarray` reads it as values.
        dev: ``DEV_CPU``, or ``DEV_GPU`` plus the number of the card.

    Raises:
        EddlValueError: a negative size, or values that are no numbers.
        EddlUnsupportedError: the device is not there.

    Example:
        >>> import numpy as np
        >>> a = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
        >>> a.mult_(2.0)
        >>> np.asarray(a).tolist(), a.sum(), a.select(["1"]).shape
        ([[2.0, 4.0], [6.0, 8.0]], 20.0, [1, 2])
    """
