"""A small lake of invented patients, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from deephealth.lake.lake import Lake
from deephealth.lake.settings import LakeSettings

pytest.importorskip("cryptography")


@pytest.fixture
def empty_lake(tmp_path: Path) -> Lake:
    """A lake that nothing was taken into, with its vault and key outside."""
    return Lake.create(
        tmp_path / "lake",
        LakeSettings("skin"),
        vault=str(tmp_path / "vault" / "skin.vault"),
        key_file=tmp_path / "keys" / "skin.key",
    )
