from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = """\
import sys
import pyeddl.eddl as eddl
from neighbour import GREETING
if __name__ == "__main__":
    print(GREETING, sys.argv, eddl.is_strict())
    sys.exit(len(sys.argv))
"""
WAYS = {"module": ["-m", "deephealth.compat"], "command": ["-m", "deephealth", "run-legacy"]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "neighbour.py").write_text("GREETING = 'hello'\n", encoding="utf-8")
    (tmp_path / "programs" / "prog.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def run(way: str, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *WAYS[way], *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_program_runs_as_under_python(way, folder):
    result = run(way, folder, "programs/prog.py", "--strict", "-h", "--", "x")
    assert result.stdout.splitlines()[-1].startswith("hello ['programs/prog.py', '--strict', '-h', ")
    assert result.stdout.rstrip().endswith("False")
    assert result.returncode in (4, 5)  # the code that the program gave; argparse and click differ about "--"


@pytest.mark.parametrize("way", WAYS)
def test_strict_mode_is_on_for_the_program(way, folder):
    result = run(way, folder, "--strict", "programs/prog.py")
    assert result.stdout.rstrip().endswith("True")
    assert result.returncode == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_program_is_said_clearly(way, folder):
    result = run(way, folder, "programs/none.py")
    assert result.returncode == 2
    assert "there is no program programs/none.py" in result.stderr
    assert str(folder) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("way", WAYS)
def test_what_the_program_raises_is_printed_from_its_own_first_line_on(way, folder):
    text = "import pyeddl.eddl as eddl\ndef run():\n    eddl.download_hlsinf(1, 0)\nrun()\n"
    (folder / "bad.py").write_text(text, encoding="utf-8")
    result = run(way, folder, "bad.py")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[1].strip() == 'File "bad.py", line 4, in <module>'
    assert "EddlUnsupportedError: RuntimeError: eddl.download_hlsinf" in result.stderr


def test_an_installed_original_is_used_and_said(folder):
    package = folder / "pyeddl"
    package.mkdir()
    import importlib.machinery

    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / f"_core{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    (package / "eddl.py").write_text("WHO = 'the original'\n", encoding="utf-8")
    (folder / "who.py").write_text(
        "import pyeddl.eddl as e\nprint(getattr(e, 'WHO', 'deephealth'))\n", encoding="utf-8"
    )
    variables = {"PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)])}
    result = run("module", folder, "who.py", **variables)
    assert result.stdout == "the original\n"
    assert "--force" in result.stderr
    assert run("module", folder, "--force", "who.py", **variables).stdout == "deephealth\n"


def test_the_plugin_aliases_before_tests_and_conftests_are_imported(folder):
    (folder / "conftest.py").write_text("import pyeddl.eddl\n", encoding="utf-8")
    test = "import pyeddl.eddl as eddl\nfrom pyeddl import VERSION\n\ndef test_it():\n"
    test += "    assert VERSION == '1.3.1'\n    assert not eddl.exist('nothing')\n"
    (folder / "test_old.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "deephealth.compat", "-p", "no:cacheprovider"]
    result = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr
