"""The commands and the Python of the README, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deephealth.cli.app import app

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("deephealth ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


OLD_PROGRAM = """
import argparse
import pyeddl.eddl as eddl
from pyeddl.tensor import Tensor

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
arguments = parser.parse_args()
in_ = eddl.Input([4])
net = eddl.Model([in_], [eddl.Softmax(eddl.Dense(in_, 2))])
eddl.build(net, eddl.sgd(0.1), ["soft_cross_entropy"], ["categorical_accuracy"], eddl.CS_CPU(1))
eddl.fit(net, [Tensor.ones([8, 4])], [Tensor.ones([8, 2])], 4, arguments.epochs)
eddl.save(net, "old_program.bin")
"""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "old_program.py").write_text(OLD_PROGRAM)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("workplace")
def test_the_readme_works_from_top_to_bottom():
    done = 0
    for arguments in commands():
        if any(part.endswith("ROOT") or part.startswith("runs/") for part in arguments):
            assert CliRunner().invoke(app, [arguments[0], "--help"]).exit_code == 0  # needs the reader's own data
            continue
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"deephealth {' '.join(arguments)}\n{result.output}\n{result.exception}"
        done += 1
    assert done >= 10
    assert Path("old_program.bin").stat().st_size == 4 * (3 + 8 + 2 + 2)
    assert Path("build/run/report.html").is_file()
    assert Path("build/run/export/model.onnx").is_file()
    assert Path("build/predictions.csv").read_text().startswith("file,label,akiec,bcc,bkl,df,mel,nv,vasc\n")
    for block in blocks("python"):
        exec(compile(block, str(README), "exec"), {})


def test_make_targets_of_the_readme_exist(repository: Path):
    makefile = (repository / "Makefile").read_text()
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"^make (\w+)", (repository / page).read_text(), flags=re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_links_of_the_front_pages_lead_somewhere(repository: Path):
    for page in [repository / "README.md", repository / "CONTRIBUTING.md", *(repository / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not link.startswith(("http", "mailto")) and "generated" not in str(page):
                assert (page.parent / link).exists(), f"{page.name} links to {link}"
