"""The layout of the DeepHealth toolkit: one YAML file that lists images, labels and splits, for any 2-D task."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from deephealth.core.errors import DataError, MissingDataError
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex, Problem, Sample
from deephealth.io.dataset_yaml import YamlDataset, YamlSample, read_dataset_yaml
from deephealth.io.source import Source

__all__ = ["DEEPHEALTH_YAML", "GROUP_VALUES", "SPLIT_NAMES", "read_deephealth_yaml"]

# The first of these that a sample has is the group that never crosses splits.
GROUP_VALUES = ("group", "patient", "patient_id", "lesion_id", "subject")
SPLIT_NAMES = {"training": "train", "train": "train", "validation": "val", "valid": "val", "val": "val", "test": "test"}

_EXPECTS = """
dataset.yml (any name; the only .yml or .yaml file with a key 'images' in the folder, or the file itself), with
  classes:  [names]                                  for classification
  features: [patient_id, ...]                        optional; patient_id, lesion_id, ... keep a patient in one split
  images:   - {location: a.jpg, label: NAME-OR-INDEX-OR-MASK.png, values: {patient_id: p1}}
  split:    {training: [0, 1], validation: [2], test: [3]}   optional
"""
_SUFFIXES = (".yml", ".yaml")
_HEAD_BYTES = 1024**2


def read_deephealth_yaml(root: Path) -> DataIndex:
    """Read a DeepHealth toolkit YAML file as a data set.

    The group of a sample is its value ``group``, ``patient``, ``patient_id``, ``lesion_id`` or ``subject``. Without one
    it is the image itself, and a warning says that images of one patient could then stand in two splits.

    Args:
        root: the file, or the folder that holds it.

    Raises:
        MissingDataError: no such file in the folder.
        DataError: several of them, or an entry is wrong.
    """
    path = _find(root)
    dataset = read_dataset_yaml(path)
    problems: list[Problem] = []
    splits = _splits(dataset, problems)
    ids = _ids(dataset, path.parent.resolve())
    samples: list[Sample] = []
    for at, entry in enumerate(dataset.samples):
        if len(entry.location) > 1:
            message = f"{len(entry.location)} acquisitions in one sample; a photograph has one"
            problems.append(Problem("error", "several-files", ids[at], message))
            continue
        samples.append(_sample(dataset, entry, ids[at], splits.get(at), problems))
    problems += _ungrouped(samples, path)
    return DataIndex(path, "deephealth_yaml", dataset.classes, tuple(samples), tuple(problems))


def _candidates(root: Path) -> list[Path]:
    if root.is_file():
        return [root] if root.suffix.lower() in _SUFFIXES else []
    listed = sorted(path for path in root.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    return [path for path in listed if _lists_images(path)]


def _lists_images(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    return head.startswith(b"images:") or b"\nimages:" in head


def _recognise(root: Path) -> bool:
    return len(_candidates(root)) == 1


def _find(root: Path) -> Path:
    found = _candidates(root)
    if not found:
        raise MissingDataError(f"{root} holds no data set YAML", allowed=_EXPECTS.strip())
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"{root} holds several data set files: {names}", hint="set data.root to one of the files")
    return found[0]


def _splits(dataset: YamlDataset, problems: list[Problem]) -> dict[int, str]:
    splits: dict[int, str] = {}
    for name, indices in dataset.split.items():
        ours = SPLIT_NAMES.get(name.lower())
        if ours is None:
            message = f"{len(indices)} samples of it are in no split; known are {', '.join(SPLIT_NAMES)}"
            problems.append(Problem("warning", "unknown-split", name, message))
            continue
        for index in indices:
            if splits.setdefault(index, ours) != ours:
                message = f"the file puts it into {splits[index]} and {ours}; it is left in {splits[index]}"
                problems.append(Problem("error", "leak", f"images[{index}]", message))
    return splits


def _ids(dataset: YamlDataset, folder: Path) -> list[str]:
    """Return a name per sample: the stem of its image, or its whole path where stems repeat."""
    paths = [entry.location[0] for entry in dataset.samples]
    stems = Counter(path.stem for path in paths)
    names = [path.stem if stems[path.stem] == 1 else path.relative_to(folder).as_posix() for path in paths]
    twice = Counter(names)
    return [name if twice[name] == 1 else f"{name}#{at}" for at, name in enumerate(names)]


def _sample(dataset: YamlDataset, entry: YamlSample, name: str, split: str | None, problems: list[Problem]) -> Sample:
    facts = dataset.named_values(entry)
    group = next((facts[key] for key in GROUP_VALUES if facts.get(key)), None)
    labels = [dataset.classes[index] if dataset.classes else str(index) for index in entry.label or ()]
    if len(labels) > 1:
        problems.append(Problem("error", "multi-label", name, f"has {len(labels)} labels: {', '.join(labels)}"))
    return Sample(
        id=name,
        group=str(entry.location[0]) if group is None else group,
        image=Source(entry.location[0]),
        label=labels[0] if len(labels) == 1 else None,
        mask=None if entry.label_path is None else Source(entry.label_path),
        split=split,
        facts=facts,
    )


def _ungrouped(samples: list[Sample], path: Path) -> list[Problem]:
    count = sum(sample.group == str(sample.image) for sample in samples)
    if not count:
        return []
    message = (
        f"{count} samples have none of the values {', '.join(GROUP_VALUES)}: each image counts as a patient of its "
        "own, and images of one patient may stand in two splits"
    )
    return [Problem("warning", "no-group", str(path), message)]


DEEPHEALTH_YAML = Layout("deephealth_yaml", _EXPECTS, _recognise, read_deephealth_yaml)
