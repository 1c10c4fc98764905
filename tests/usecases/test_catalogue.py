"""The table of use cases is cheap to list and says what it lists."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deephealth.core.errors import UnknownNameError
from deephealth.usecases import USECASES, UseCase


def test_listing_use_cases_imports_neither_torch_nor_opencv():
    code = (
        "import sys\nfrom deephealth.usecases import USECASES\n"
        "shown = [(e.name, e.summary) for e in USECASES]\n"
        "USECASES.get('uc12-skin').card()\n"
        "print(sorted({'torch', 'cv2', 'numpy.random'} & set(sys.modules)), shown[0][0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "uc12-skin"
    assert "torch" not in done.stdout
    assert "cv2" not in done.stdout


@pytest.mark.parametrize("name", USECASES.names())
def test_every_entry_loads_under_its_own_name(name):
    usecase = USECASES.get(name)
    assert isinstance(usecase, UseCase)
    assert usecase.name == name
    assert tuple(USECASES.entry(name).facts["tasks"]) == usecase.tasks
    assert USECASES.entry(name).summary


def test_a_misspelt_name_is_corrected():
    with pytest.raises(UnknownNameError, match="did you mean 'uc12-skin'"):
        USECASES.get("uc12-skn")


def test_unknown_attributes_of_the_package_are_errors():
    import deephealth.usecases as package

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018
