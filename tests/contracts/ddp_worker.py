"""One of two processes: gradients of its half of a batch, averaged by DDP, against the whole batch in one process."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from deephealth.models import Model


def gradients(network: nn.Module, image: torch.Tensor, target: torch.Tensor) -> list[torch.Tensor]:
    output = network(image)
    if target.ndim == 1:
        nn.functional.cross_entropy(output, target).backward()
    else:
        nn.functional.binary_cross_entropy_with_logits(output, target).backward()
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


def main(folder: str, out: str) -> None:
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    model = Model.from_folder(folder).eval()  # eval: batch statistics would differ between half and whole by design
    image = torch.rand(8, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    task_target = torch.arange(8) % len(model.labels)
    if model.task == "segmentation":
        task_target = (image[:, :1] > 0.5).float()
    half = slice(0, 4) if rank == 0 else slice(4, 8)
    alone = gradients(copy.deepcopy(model), image, task_target)
    together = gradients(DistributedDataParallel(copy.deepcopy(model)), image[half], task_target[half])
    assert len(alone) == len(together) > 0
    if rank == 0:
        difference = max((a - b).abs().max().item() for a, b in zip(alone, together, strict=True))
        largest = max(a.abs().max().item() for a in alone)
        Path(out, "ddp.json").write_text(json.dumps({"largest_difference": difference, "largest_gradient": largest}))
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
