"""The synthetic-PHI set and the scorer are scripts: their folder is put on the path, and one small set is made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

for folder in (Path(__file__).resolve().parents[3] / "scripts" / "bench" / "deid", Path(__file__).resolve().parent):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
pytest.importorskip("faker")
pytest.importorskip("dicomanonymizer")


@pytest.fixture(scope="session")
def phi_set(tmp_path_factory):
    """A set of 20 subjects with its key."""
    from generate import generate

    folder = tmp_path_factory.mktemp("phi") / "set"
    generate(folder, 20, 5)
    return folder


@pytest.fixture(scope="session")
def perfect(phi_set):
    """The perfect answer to the set."""
    from oracle import answer

    out = phi_set.parent / "perfect"
    answer(phi_set, out)
    return out


@pytest.fixture(scope="session")
def perfect_score(phi_set, perfect):
    from score import score

    return score(phi_set, perfect)
