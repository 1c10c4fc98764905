"""The how-to of volumes, run as it stands: files, store, patches, augmentation, training, windows, scores."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from deephealth.io import read_volume

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "train-on-volumes.md"


@pytest.mark.slow
def test_the_how_to_of_volumes_works_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(blocks) == 7
    scores = names["scores"].compute()
    assert min(scores["dice"]) > 0.8  # on a volume that was in no batch
    assert max(scores["hausdorff"]) < 6
    predicted, image = read_volume("build/volumes/predicted.nii.gz"), read_volume("build/volumes/3.nii.gz")
    assert predicted.shape == image.shape
    assert torch.equal(torch.as_tensor(predicted.affine), torch.as_tensor(image.affine))
    assert torch.equal(torch.as_tensor(predicted.data).squeeze(), names["labels"][0])
