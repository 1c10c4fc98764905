"""From raw files to predictions that a clinic can open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import MissingDataError

if TYPE_CHECKING:
    from deephealth.infer.predictor import Device, Predictor
    from deephealth.models import Model

__all__ = ["PredictionFiles", "find_model", "load", "load_any_model", "predict_files"]


@dataclass(frozen=True, slots=True)
class PredictionFiles:
    """What :func:`predict_files` wrote.

    Args:
        table: the CSV file.
        count: rows in it.
        folders: masks and overlays beside it.
        failures: files that could not be read.
    """

    table: Path
    count: int
    folders: tuple[Path, ...]
    failures: tuple[str, ...]


def find_model(source: Path | str) -> Path | None:
    """Return the model folder that ``source`` is, or that the run ``source`` holds; ``None`` if neither."""
    path = Path(source)
    return next((folder for folder in (path / "model", path) if (folder / "model.json").is_file()), None)


def load_any_model(source: Path | str, *, labels: Sequence[str] | None = None) -> Model:
    """Load the model of a run, or a saved model folder.

    Args:
        source: folder of a run, or of a model.
        labels: other classes; the head is replaced by a new one that must be trained.

    Raises:
        MissingDataError: neither is there.
    """
    from deephealth.models import Model

    path, folder = Path(source), find_model(source)
    if folder is not None:
        return Model.from_folder(folder, labels=labels)
    raise MissingDataError(
        f"{source} holds no trained model",
        allowed="the folder of a finished run, or of a saved model",
        hint=f"deephealth resume {source}"
        if (path / "config.yaml").is_file()
        else "deephealth train ... run.dir=DIR makes one",
    )


def load(source: Path | str, *, tta: str | None = None, device: Device = "auto") -> Predictor:
    """Load a trained model ready for raw files.

    Args:
        source: folder of a run or of a saved model.
        tta: test-time augmentation by its name; default: the one the model carries.
        device: ``auto``, ``cpu`` or ``gpu``.

    Example:
        ``deephealth.load("runs/skin").predict(["lesion.jpg"])[0].label``
    """
    from deephealth.infer.predictor import Predictor

    model = load_any_model(source)
    return Predictor(model, tta=tta or model.spec.tta, device=device)


def predict_files(
    source: Path | str,
    paths: Sequence[str | Path],
    out: Path,
    *,
    tta: str | None = None,
    overlays: bool = True,
    skip_unreadable: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> PredictionFiles:
    """Predict files and write the table, with masks and overlays beside it.

    Args:
        source: folder of a run or of a saved model.
        paths: image files, folders, zip archives.
        out: the CSV file.
        tta: test-time augmentation by its name; default: the one the model carries.
        overlays: also draw the answer on each image.
        skip_unreadable: go on past files that can't be read.
        progress: called with (done, total).

    Raises:
        DeepHealthError: no model there, or files that can't be read (all of them named).
    """
    from deephealth.infer.prediction import Predictions
    from deephealth.infer.writers import write_predictions

    predictor = load(source, tta=tta)
    written = write_predictions(
        predictor.stream([str(path) for path in paths], progress=progress),
        out,
        labels=predictor.model.labels,
        task=predictor.model.task,  # type: ignore[arg-type]
        overlays=overlays,
    )
    if not skip_unreadable:
        Predictions((), written.failures).raise_failures()
    return PredictionFiles(
        written.table, written.count, written.folders, tuple(str(failure) for failure in written.failures)
    )
