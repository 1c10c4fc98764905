"""One process of a distributed training; started by torchrun from test_distributed.py."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from typing import Any

from tiny import TinyData, TinyModel, tiny_config

from deephealth.core.errors import Interrupted
from deephealth.train.callbacks import BatchSeeds
from deephealth.train.fit import fit


def stop_one_process(_: BatchSeeds, trainer: Any, *rest: Any) -> None:
    if trainer.global_step == 11 and trainer.global_rank == 0:
        os.kill(os.getpid(), signal.SIGINT)


def main(mode: str, folder: str) -> None:
    if mode == "stop":
        BatchSeeds.on_train_batch_end = stop_one_process  # type: ignore[method-assign]
    data = TinyData(seed=int(os.environ["RANK"]))  # other batches on each process
    found: dict[str, Any] = {"mode": mode}
    try:
        result = fit(TinyModel(), data, tiny_config(devices=2, ema_decay=0.9), folder, resume=mode == "resume")
        weights = b"".join(tensor.numpy().tobytes() for tensor in result.model.state_dict().values())
        rows = [{key: value for key, value in row.items() if key != "seconds"} for row in result.history]
        found |= {"weights": hashlib.sha256(weights).hexdigest(), "rows": rows}
    except Interrupted:
        found |= {"interrupted": True}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
