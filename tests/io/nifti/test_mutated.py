"""Damaged and hostile NIfTI files: typed errors only, no memory beyond what the file could justify, no hang."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deephealth.core.errors import DeepHealthError
from deephealth.io.nifti import read_nifti, write_nifti
from deephealth.io.volume import Volume

EDGES = [0, 1, 2, 127, 128, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63]
ROUNDS = 500


def seeds(folder: Path) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    grey = Volume(
        rng.integers(-99, 99, (9, 8, 7)).astype(np.int16), np.diag([1, 2, 3, 1.0]), {"extensions": [(6, b"a")]}
    )
    colour = Volume(rng.integers(0, 99, (3, 5, 4, 3)).astype(np.uint8), np.eye(4), {"colour": "RGB"})
    made = {}
    for name, volume, version in (("a", grey, 1), ("b", grey, 2), ("c", colour, 1)):
        for suffix in (".nii", ".nii.gz"):
            write_nifti(folder / f"{name}{suffix}", volume, version=version)
            made[name + suffix] = (folder / f"{name}{suffix}").read_bytes()
    made["d.nii.gz"] = gzip.compress(made["a.nii"])
    return made


def mutate(content: bytes, draw: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8])):
        at = draw.randrange(min(len(found), draw.choice([64, 352, len(found)])) or 1) if found else 0
        kind = draw.random()
        if kind < 0.3 and found:
            found[at] ^= 1 << draw.randrange(8)
        elif kind < 0.6:
            width = draw.choice([1, 2, 4, 8])
            found[at : at + width] = (draw.choice(EDGES) % 256**width).to_bytes(width, draw.choice(["little", "big"]))
        elif kind < 0.75:
            found[at : at + 4] = np.array(draw.choice([np.nan, np.inf, -1, 1e30, 0]), "<f4").tobytes()
        elif kind < 0.85:
            del found[at:]
        elif kind < 0.95:
            del found[at : at + draw.randrange(1, 40)]
        else:
            found[at:at] = draw.randbytes(20)
    return bytes(found)


@pytest.mark.parametrize("seed", [0, 1])
def test_only_typed_errors(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    files = seeds(tmp_path)
    outcomes = {True: 0, False: 0}
    tracemalloc.start()
    try:
        for _ in range(ROUNDS):
            name = draw.choice(list(files))
            content = files[name]
            inside = name.endswith(".gz") and draw.random() < 0.6
            content = gzip.compress(mutate(gzip.decompress(content), draw), 1) if inside else mutate(content, draw)
            path = tmp_path / f"x{name[1:]}"
            path.write_bytes(content)
            tracemalloc.reset_peak()
            begin = time.perf_counter()
            try:
                read_nifti(path, orientation=draw.choice([None, "LPS"]))
                outcomes[True] += 1
            except DeepHealthError:
                outcomes[False] += 1
            assert time.perf_counter() - begin < 5
            assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert min(outcomes.values()) > ROUNDS // 10  # both happen: the mutations reach past the first check


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair, nib.AnalyzeImage])
def test_pairs_and_what_is_written_of_them(tmp_path: Path, kind: type) -> None:
    draw = random.Random(0)
    nib.save(kind(np.arange(210, dtype=np.int16).reshape(5, 6, 7), np.diag([-1, 2, 3, 1.0])), tmp_path / "a.img")
    header = (tmp_path / "a.hdr").read_bytes()
    read = 0
    for _ in range(200):
        (tmp_path / "a.hdr").write_bytes(mutate(header, draw))
        try:
            volume = read_nifti(tmp_path / draw.choice(["a.hdr", "a.img"]))
        except DeepHealthError:
            continue
        read += 1
        write_nifti(tmp_path / "b.nii", volume)
        again = read_nifti(tmp_path / "b.nii")
        np.testing.assert_array_equal(again.data, volume.data)
        reach = float(np.abs(volume.affine).max())
        np.testing.assert_allclose(again.affine, volume.affine, rtol=1e-5, atol=1e-6 * reach)
    assert read > 20
