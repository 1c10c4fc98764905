from __future__ import annotations

import subprocess
import sys

import pytest

from deephealth import train
from deephealth.train.catalogue import MIXES, OPTIMIZERS, SCHEDULES, TASKS


@pytest.mark.parametrize("registry", [MIXES, OPTIMIZERS, SCHEDULES, TASKS], ids=lambda registry: registry.kind)
def test_every_entry_loads_and_says_what_it_is(registry) -> None:
    for entry in registry:
        assert callable(entry.load())
        assert entry.summary


def test_exports() -> None:
    assert all(getattr(train, name) is not None for name in train.__all__)
    with pytest.raises(AttributeError):
        train.nothing  # noqa: B018


def test_the_tables_import_no_torch() -> None:
    code = "import sys, deephealth.train; deephealth.train.OPTIMIZERS.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
