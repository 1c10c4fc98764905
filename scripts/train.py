"""Train a configuration: the same as `deephealth train`, for launchers that want a script.

python scripts/train.py my.yaml data.root=ROOT run.dir=DIR trainer.max_epochs=3
torchrun --nproc-per-node=2 scripts/train.py uc12-skin data.root=ROOT run.dir=DIR trainer.devices=2
"""

from __future__ import annotations

import sys

from deephealth import load_config, train_run
from deephealth.core.errors import DeepHealthError
from deephealth.usecases.vocabulary import vocabulary

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        print(*train_run(load_config(sys.argv[1], sys.argv[2:], vocabulary=vocabulary())).lines(), sep="\n")
    except DeepHealthError as error:
        sys.exit(f"error: {error}")
