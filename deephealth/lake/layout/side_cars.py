"""JSON side-cars: what may stand in one, and what BIDS wants to find in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deephealth.core.optional import require

__all__ = ["channels_table", "eeg_side_car", "swept"]

# Keys whose text says how a picture was made. Text under any other key is dropped: it may have been typed by a person.
_TEXT = frozenset(
    {
        "AcquisitionMatrixPE",
        "BodyPartExamined",
        "CapManufacturer",
        "CoilCombinationMethod",
        "ConversionSoftware",
        "ConversionSoftwareVersion",
        "ConvolutionKernel",
        "DeidentificationMethod",
        "EEGGround",
        "EEGReference",
        "ImageType",
        "InPlanePhaseEncodingDirectionDICOM",
        "Laterality",
        "MRAcquisitionType",
        "MTState",
        "Manufacturer",
        "ManufacturersModelName",
        "MatrixCoilMode",
        "Modality",
        "NonlinearGradientCorrection",
        "ParallelReductionTechnique",
        "PartialFourierDirection",
        "PatientPosition",
        "PhaseEncodingAxis",
        "PhaseEncodingDirection",
        "PhotometricInterpretation",
        "PowerLineFrequency",
        "ProtocolName",
        "PulseSequenceDetails",
        "PulseSequenceName",
        "ReceiveCoilActiveElements",
        "ReceiveCoilName",
        "ReconstructionMethod",
        "RecordingType",
        "ScanOptions",
        "ScanningSequence",
        "SequenceName",
        "SequenceVariant",
        "SeriesDescription",
        "SkullStripped",
        "SliceEncodingDirection",
        "SoftwareFilters",
        "SpoilingState",
        "SpoilingType",
        "TablePosition",
        "TaskName",
        "Units",
        "ViewPosition",
    }
)
# Numbers say how a picture was made as well, but for these.
_NEVER = (
    "Accession",
    "Birth",
    "Date",
    "Identifier",
    "Institution",
    "Operator",
    "Patient",
    "Physician",
    "Station",
    "UID",
)
_BUT = frozenset({"PatientPosition", "PatientWeight"})


def swept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may stay of a side-car: numbers, truths, and text under keys that say how a picture was made.

    The side-car is written by a converter from a header that was cleaned before; this is the second net.

    Args:
        values: the side-car.

    Example:
        >>> swept({"EchoTime": 0.03, "InstitutionName": "General", "AcquisitionTime": "10:11:12", "Modality": "MR"})
        {'EchoTime': 0.03, 'Modality': 'MR'}
    """
    kept = {}
    for key, value in values.items():
        if key not in _BUT and any(word in key for word in _NEVER):
            continue
        if key in _TEXT or _is_number(value):
            kept[key] = value
    return kept


def _is_number(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_number(part) for part in value)
    return isinstance(value, int | float)


def eeg_side_car(path: Path, task: str) -> dict[str, Any]:
    """Return what BIDS wants beside an EDF file, from the signals' headers.

    What the file does not say, such as the reference electrode, is ``n/a``; nothing is guessed.

    Args:
        path: the EDF or BDF file.
        task: label of the task in the file's name.

    Raises:
        OptionalDependencyError: edfio is not installed.
        ValueError: the file is not EDF.

    Source: BIDS 1.10, "Electroencephalography", side-car JSON.
    """
    recording = _read(path)
    rates = [float(signal.sampling_frequency) for signal in recording.signals]
    return {
        "TaskName": task,
        "SamplingFrequency": max(rates, default=0.0),
        "EEGReference": "n/a",
        "PowerLineFrequency": "n/a",
        "SoftwareFilters": "n/a",
        "RecordingDuration": float(recording.duration),
        "RecordingType": "continuous",
        "EEGChannelCount": sum(_kind(signal.label) == "EEG" for signal in recording.signals),
        "ECGChannelCount": sum(_kind(signal.label) == "ECG" for signal in recording.signals),
        "EOGChannelCount": sum(_kind(signal.label) == "EOG" for signal in recording.signals),
        "EMGChannelCount": sum(_kind(signal.label) == "EMG" for signal in recording.signals),
    }


def channels_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of ``*_channels.tsv``: name, type, units and sampling frequency of each signal."""
    names: dict[str, int] = {}
    rows = []
    for at, signal in enumerate(_read(path).signals, 1):
        name = signal.label.strip() or f"channel {at}"
        names[name] = names.get(name, 0) + 1
        rows.append(
            {
                "name": name if names[name] == 1 else f"{name} {names[name]}",
                "type": _kind(signal.label),
                "units": signal.physical_dimension.strip().replace("uV", "µV") or "n/a",
                "sampling_frequency": f"{signal.sampling_frequency:g}",
            }
        )
    return rows


def _read(path: Path) -> Any:
    edfio = require("edfio", purpose="reading the header of a recording")
    reader = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
    return reader(path, lazy_load_data=True)


def _kind(name: str) -> str:
    upper = name.upper()
    for kind, words in (("ECG", ("ECG", "EKG")), ("EOG", ("EOG",)), ("EMG", ("EMG",)), ("RESP", ("RESP", "THOR"))):
        if any(word in upper for word in words):
            return kind
    return "EEG" if "STATUS" not in upper and "TRIG" not in upper else "TRIG"
