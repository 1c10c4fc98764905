"""The DeepHealth data set YAML, with its class names brought to this use case's codes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from deephealth.data.deephealth_yaml import DEEPHEALTH_YAML
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex, Problem, Sample
from deephealth.usecases.uc12_skin.classes import UNKNOWN, normalise

__all__ = ["LAYOUT", "read"]


def read(root: Path) -> DataIndex:
    """Read a data set YAML; ``MEL``, ``melanoma`` and so on become ``mel``, in the order of the file.

    Names that this use case does not know are kept as they are, with a warning, since the file may ask another question
    of the same images (benign or malignant). Samples of the class UNK lose their label.
    """
    index = DEEPHEALTH_YAML.read(Path(root))
    codes = {name: normalise(name) for name in index.classes}
    names = {name: code or name for name, code in codes.items()}
    strangers = [name for name, code in codes.items() if code is None]
    problems = list(index.problems)
    if strangers:
        message = f"the class names {', '.join(strangers)} are not known to this use case; they are kept as they are"
        problems.append(Problem("warning", "unknown-class", str(index.root), message))
    unknown = sum(names.get(sample.label or "") == UNKNOWN for sample in index.samples)
    if unknown:
        message = f"{unknown} images of the class UNK (none of the others) have no label now"
        problems.append(Problem("warning", "unknown-class", str(index.root), message))
    classes = tuple(dict.fromkeys(name for name in names.values() if name != UNKNOWN))
    samples = tuple(_renamed(sample, names) for sample in index.samples)
    return replace(index, classes=classes, samples=samples, problems=tuple(problems))


def _renamed(sample: Sample, names: dict[str, str]) -> Sample:
    if sample.label is None:
        return sample
    name = names.get(sample.label, sample.label)
    return replace(sample, label=None if name == UNKNOWN else name)


LAYOUT = Layout(
    name=DEEPHEALTH_YAML.name,
    expects=DEEPHEALTH_YAML.expects,
    recognise=DEEPHEALTH_YAML.recognise,
    read=read,
)
