"""Computing services: which devices and threads a net runs on, and how much memory it may use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from deephealth.core.errors import did_you_mean
from deephealth.eddl.errors import EddlError, EddlUnsupportedError
from deephealth.eddl.net.devices import move
from deephealth.eddl.net.replicas import make_replicas

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["CS_COMPSS", "CS_CPU", "CS_FPGA", "CS_GPU", "CompServ", "place", "toCPU", "toFPGA", "toGPU"]

MEMORY_LEVELS = {"full_mem": 0, "mid_mem": 1, "low_mem": 2}


class CompServ:
    """Where a net runs.

    Args:
        threads: CPU threads; -1 for all.
        gpus: a 0/1 mask, one entry per visible GPU.
        lsb: with several GPUs, average their weights every ``lsb`` batches.
        mem_level: 0 keeps everything a backward pass needs; on a GPU, 1 and 2 compute part of it, or most of it, again.
        filename: a COMPSs project file (can be made, not run).

    Raises:
        EddlError: ``lsb`` is negative; EddlUnsupportedError: a GPU is asked for where there is none.
    """

    def __init__(
        self,
        threads: int = -1,
        gpus: Sequence[int] = (),
        lsb: int = 1,
        mem_level: int = 0,
        *,
        filename: str | None = None,
    ) -> None:
        self.type = "local" if filename is None else "distributed"
        self.hw = "gpu" if gpus else "cpu"
        self.hw_supported = ["cpu", *(["cuda", "cudnn"] if torch.cuda.is_available() else [])]
        self.threads_arg = threads
        self.local_threads = (os.cpu_count() or 1) if threads == -1 else threads
        self.local_gpus = list(gpus)
        self.local_fpgas: list[int] = []
        self.lsb = lsb
        self.mem_level = mem_level
        self.filename = filename
        self.isshared = False
        self._check()

    def _check(self) -> None:
        if self.lsb < 0:
            raise EddlError("CompServ", f"lsb is {self.lsb}", allowed="0 or more batches between two averages")
        if self.hw == "gpu" and not torch.cuda.is_available():
            raise EddlUnsupportedError(
                "CompServ", "no CUDA device can be used here", hint="use eddl.CS_CPU(), or install a torch with CUDA"
            )

    def devices(self) -> list[torch.device]:
        """Return the devices that the mask chooses.

        Raises:
            EddlError: none is chosen, or one that does not exist.
        """
        if self.hw == "cpu":
            return [torch.device("cpu")]
        chosen = [index for index, on in enumerate(self.local_gpus) if on]
        present = torch.cuda.device_count()
        if not chosen or chosen[-1] >= present:
            raise EddlError(
                "Net.set_compserv",
                f"the GPU mask {self.local_gpus} does not fit this machine",
                allowed=f"up to {present} entries, 1 for each GPU to be used",
            )
        return [torch.device("cuda", index) for index in chosen]

    def share(self) -> CompServ:
        """Return a copy marked as shared."""
        made = self.clone()
        made.isshared = True
        return made

    def clone(self) -> CompServ:
        """Return a copy."""
        return CompServ(self.threads_arg, self.local_gpus, self.lsb, self.mem_level, filename=self.filename)


def _memory_level(mem: str, where: str) -> int:
    if mem not in MEMORY_LEVELS:
        raise EddlError(where, f"unknown memory setting '{mem}'", hint=did_you_mean(mem, MEMORY_LEVELS))
    return MEMORY_LEVELS[mem]


def CS_CPU(th: int = -1, mem: str = "full_mem") -> CompServ:
    """Run on the CPU.

    Args:
        th: threads; -1 for all.
        mem: ``full_mem``, ``mid_mem`` or ``low_mem``; kept, but without effect on the CPU.

    Example:
        >>> CS_CPU(2).local_threads
        2
    """
    if th == 0 or th < -1:
        raise EddlError("CS_CPU", f"the number of threads is {th}", allowed="1 or more, or -1 for all")
    return CompServ(th, mem_level=_memory_level(mem, "CS_CPU"), lsb=0)


def CS_GPU(g: Sequence[int] = [1], lsb: int = 1, mem: str = "full_mem") -> CompServ:
    """Run on one or several GPUs.

    Args:
        g: a 0/1 mask, one entry per visible GPU.
        lsb: batches between two averages of the GPUs' weights; with 1, gradients are averaged at every batch.
        mem: ``full_mem``; ``mid_mem`` and ``low_mem`` trade time for memory by gradient checkpointing.

    Raises:
        EddlUnsupportedError: there is no GPU.
    """
    return CompServ(0, g, lsb, _memory_level(mem, "CS_GPU"))


def CS_FPGA(f: Sequence[int], lsb: int = 1) -> CompServ:
    """Refuse: FPGAs are not supported.

    Raises:
        EddlUnsupportedError: always; it names the replacement.
    """
    raise EddlUnsupportedError(
        "CS_FPGA",
        "HLSinf FPGA kernels are not part of this package",
        hint="use eddl.CS_CPU() or eddl.CS_GPU(), or export with eddl.save_net_to_onnx_file for other hardware",
    )


def CS_COMPSS(filename: str) -> CompServ:
    """Return a service for a COMPSs project file; a net cannot be built with it.

    Distribution is torch's: start the program with ``torchrun``, wrap ``net.module`` in DistributedDataParallel.

    Example:
        >>> CS_COMPSS("project.xml").type
        'distributed'
    """
    return CompServ(filename=filename)


def place(net: Net, cs: CompServ) -> None:
    """Bring a net to the devices of a computing service.

    Raises:
        EddlUnsupportedError: the service is a COMPSs one.
    """
    if cs.type != "local":
        raise EddlUnsupportedError(
            "Net.set_compserv",
            "COMPSs is replaced by torch.distributed",
            hint="build with eddl.CS_CPU() or CS_GPU(), start with torchrun, and set "
            "net.module = torch.nn.parallel.DistributedDataParallel(net.module)",
        )
    net.cs, net.mem_level = cs, cs.mem_level
    for layer in net.layers:
        layer.mem_level = cs.mem_level
    devices = cs.devices()
    if cs.hw == "cpu":
        torch.set_num_threads(cs.local_threads)
    move(net, devices[0])
    net.devsel = [device.index or 0 for device in devices] if cs.hw == "gpu" else []
    net.snets = [net]
    if len(devices) > 1:
        net.snets = make_replicas(net, devices)


def toGPU(net: Net, g: Sequence[int] = [1], lsb: int = 1, mem: str = "full_mem") -> None:
    """Move a net to GPUs (see :func:`CS_GPU`).

    Raises:
        EddlError: ``mem`` is unknown; EddlUnsupportedError: there is no GPU.
    """
    place(net, CompServ(0, g, lsb, _memory_level(mem, "toGPU")))


def toCPU(net: Net, th: int = -1) -> None:
    """Move a net to the CPU, with ``th`` threads (-1 for all)."""
    place(net, CS_CPU(th))


def toFPGA(net: Net, hlsinf_version: int = 1, hlsinf_subversion: int = 0) -> None:
    """Refuse: FPGAs are not supported.

    Raises:
        EddlUnsupportedError: always; it names the replacement.
    """
    CS_FPGA([1])
