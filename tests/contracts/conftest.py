"""One generated data set and one finished small run for every use case and task; made once for all contract tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from deephealth.config import Config, load_config
from deephealth.usecases.catalogue import USECASES
from deephealth.usecases.datasets import generate_data
from deephealth.usecases.training import train_run
from deephealth.usecases.vocabulary import vocabulary

CASES = [(entry.name, task) for entry in USECASES for task in entry.load().tasks]

TINY = [
    "data.image_size=[48,64]",
    "data.image_sizes={}",
    "data.batch_size=8",
    "trainer.max_epochs=2",
    "trainer.progress=false",
    "trainer.tensorboard=false",
    "trainer.early_stopping=null",
    "evaluate.bootstrap=50",
    "evaluate.tta=none",
]


@dataclass(frozen=True)
class Case:
    """A use case with one of its tasks, its data and its finished run."""

    usecase: str
    task: str
    data: Path
    run: Path

    def config(self, *overrides: str) -> Config:
        """The small configuration of this case."""
        changes = [f"task={self.task}", f"data.root={self.data}", f"data.cache_dir={self.data.parent / 'cache'}", *TINY]
        return load_config(self.usecase, [*changes, *overrides], vocabulary=vocabulary())


@pytest.fixture(scope="session", params=CASES, ids=[f"{name}-{task}" for name, task in CASES])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    usecase, task = request.param
    folder = tmp_path_factory.mktemp(f"{usecase}-{task}")
    generate_data(usecase, folder / "data", 72, seed=3)
    made = Case(usecase, task, folder / "data", folder / "run")
    train_run(made.config(f"run.dir={made.run}"))
    return made
