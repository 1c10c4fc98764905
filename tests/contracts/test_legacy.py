"""Old programs: the command is there, it is quick to ask, and what it stands in for is data."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

from deephealth.compat.catalogue import LEGACY


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_the_command_is_listed_and_explains_itself():
    assert "run-legacy" in run("-m", "deephealth", "--help").stdout
    text = " ".join(run("-m", "deephealth", "run-legacy", "--help").stdout.split())
    assert "--strict" in text
    assert "--force" in text


def test_its_help_imports_no_torch():
    code = "import sys; from deephealth.cli import main; sys.argv = ['deephealth', 'run-legacy', '--help']\n"
    code += "try:\n    main()\nexcept SystemExit:\n    print('torch' in sys.modules)"
    assert run("-c", code).stdout.strip().endswith("False")


def test_every_stand_in_exists():
    for package in LEGACY:
        assert package.name in package.modules
        for original, target in package.modules.items():
            assert original.split(".")[0] == package.name
            assert find_spec(target) is not None
