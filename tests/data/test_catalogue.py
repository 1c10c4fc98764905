from __future__ import annotations

import subprocess
import sys

import pytest

import deephealth.data
from deephealth.data.catalogue import LAYOUTS, SAMPLERS


@pytest.mark.parametrize("registry", [SAMPLERS, LAYOUTS])
def test_everything_registered_loads_and_says_what_it_is(registry: object) -> None:
    for entry in registry:
        assert entry.load() is not None
        assert entry.summary


def test_every_public_name_is_there() -> None:
    for name in deephealth.data.__all__:
        assert getattr(deephealth.data, name) is not None
    with pytest.raises(AttributeError):
        deephealth.data.nothing  # noqa: B018


def test_the_tables_and_the_index_need_no_torch() -> None:
    modules = "deephealth.io, deephealth.data.catalogue, deephealth.data.check, deephealth.data.layout"
    modules += ", deephealth.data.deephealth_yaml, deephealth.data.split, deephealth.data.cache"
    code = f"import {modules}, sys; assert not {{'torch', 'lightning', 'sklearn'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
