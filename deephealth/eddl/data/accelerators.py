"""FPGA accelerators of the original: their hardware is not supported, and this says what to use."""

from __future__ import annotations

from deephealth.eddl.errors import EddlUnsupportedError

__all__ = ["download_hlsinf"]


def download_hlsinf(version: int, subversion: int) -> None:
    """Refuse: the HLSinf bitstreams are for the original's FPGA boards.

    Args:
        version: version of the accelerator.
        subversion: its second number.

    Raises:
        EddlUnsupportedError: always.

    Example:
        >>> try:
        ...     download_hlsinf(1, 0)
        ... except RuntimeError as error:
        ...     print(str(error).splitlines()[0])
        RuntimeError: eddl.download_hlsinf: HLSinf v1.0 needs an FPGA board, which is not supported
    """
    raise EddlUnsupportedError(
        "eddl.download_hlsinf",
        f"HLSinf v{version}.{subversion} needs an FPGA board, which is not supported",
        allowed="CS_CPU() and CS_GPU()",
        hint="leave the download out and build the net with eddl.CS_CPU() or eddl.CS_GPU([1])",
    )
