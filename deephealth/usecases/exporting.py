"""Hand a trained model to other programs, and prove that it answers the same."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import ExportError, StorageError
from deephealth.usecases.predicting import load_any_model
from deephealth.usecases.run_folder import RunFolder

__all__ = ["export_run"]

SAMPLES = 8  # real images on which torch and onnxruntime are compared


def export_run(path: Path | str, *, to: str = "onnx", out: Path | None = None) -> list[str]:
    """Export the model of a run (or a saved model).

    Args:
        path: folder of the run or model.
        to: ``"onnx"``: one file with pre- and post-processing inside; ``"folder"``: a copy of the model folder.
        out: file or folder to write; default: ``export/model.onnx`` or ``export/model`` in the run.

    Returns:
        Lines that say what was written and how far it is from the model.

    Raises:
        ExportError: the exported model answers differently, or the format is unknown.
    """
    path = Path(path)
    if to == "folder":
        return _export_folder(path, out or path / "export" / "model")
    if to != "onnx":
        raise ExportError(f"unknown format '{to}'", allowed="onnx, folder")
    return _export_onnx(path, out or path / "export" / "model.onnx")


def _export_onnx(path: Path, target: Path) -> list[str]:
    from deephealth.io.raster import read_rgb
    from deephealth.kpi.recorder import Recorder
    from deephealth.models.onnx import export_onnx

    model = load_any_model(path)
    sources = _real_samples(path)
    recorder = Recorder(RunFolder(path).kpis) if RunFolder(path).config_file.is_file() else None
    samples = [read_rgb(source) for source in sources]
    if recorder is None:
        report = export_onnx(model, target, samples=samples)
    else:
        with recorder.leg("export", items=1):
            report = export_onnx(model, target, samples=samples)
    kind = f"{len(samples)} real images" if samples else "random images (the run's data is not at hand)"
    return [
        f"wrote {target}",
        f"largest difference from the model in onnxruntime: {report.max_abs_difference:.2e} on {kind}",
    ]


def _real_samples(path: Path) -> list:
    """Images of the run's test split, where they are still at hand."""
    from deephealth.core.errors import DeepHealthError
    from deephealth.usecases.datasets import read_data

    run = RunFolder(path)
    if not run.config_file.is_file():
        return []
    try:
        split = run.restore_split(read_data(run.config()))
    except DeepHealthError:  # the data has moved or is gone: the comparison falls back to random images, and says so
        return []
    samples = split.test or split.val or split.train
    return [sample.image for sample in samples[:: max(1, len(samples) // SAMPLES)][:SAMPLES]]


def _export_folder(path: Path, target: Path) -> list[str]:
    if target.exists():
        raise StorageError(f"{target} exists", hint="choose another folder with --out, or remove it")
    folder = load_any_model(path).save(target)  # loading verifies the hashes before anything is copied
    return [f"wrote {folder}: load it with deephealth.load('{folder}')"]
