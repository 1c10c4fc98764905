"""Arrays and tensors that carry their shape in their name: b batch, c channel, h height, w width, k class, n sample.

For annotations only: import them under ``if TYPE_CHECKING``, since nothing here may import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt
    import torch

    ImageHWC: TypeAlias = npt.NDArray[np.uint8]  # RGB, 0 to 255
    MaskHW: TypeAlias = npt.NDArray[np.uint8]  # 0 background, 1 foreground
    ProbabilitiesNK: TypeAlias = npt.NDArray[np.float64]
    TargetsN: TypeAlias = npt.NDArray[np.int64]
    TensorBCHW: TypeAlias = torch.Tensor
    TensorBK: TypeAlias = torch.Tensor

    __all__ = ["ImageHWC", "MaskHW", "ProbabilitiesNK", "TargetsN", "TensorBCHW", "TensorBK"]
