"""A cached epoch of 3-D patches: twelve CT-like volumes, foreground and background one to one, batches of two.

All peers hold the volumes ready before the clock starts (that is what a cache is for), draw the same kind of crop and
give float32 images, uint8 labels and affines. MONAI's are given what makes them fastest: foreground indices computed in
advance, no copy of the cached volumes, a thread that makes batches ahead; torchio's subjects are loaded, and its
patches come from anywhere, since drawing by label costs it a pass over the volume each time. Worker processes slow all
of them down here, so no peer has any. ``patch_memory.py`` measures the memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from row import Row, made_once

from deephealth.data.batches import TrainBatches, TrainLoader
from deephealth.data.patch_loader import PatchLoader
from deephealth.data.patch_sampling import PosNegRatio
from deephealth.data.patches import PatchDataset, as_it_is
from deephealth.data.sampler import Shuffle
from deephealth.data.volume_case import VolumeCase
from deephealth.data.volume_store import VolumeStore

CASES, SIZE, PATCH, PER_CASE = 12, 160, 96, 4
PATCHES = CASES * PER_CASE
QUIET: dict[str, Any] = {"progress": False, "copy_cache": False}
Seen = tuple[torch.Tensor, torch.Tensor, Any, Any]  # image, label, affine, number of the case


@cache
def folder() -> Path:
    """Return the folder with the volumes."""
    return made_once("patches", write_volumes)


def write_volumes(folder: Path) -> None:
    """Write noise that fades away from an organ with a core."""
    generator = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(SIZE)] * 3, indexing="ij")).astype(np.float32)
    for at in range(CASES):
        centre = generator.uniform(50, SIZE - 50, (3, 1, 1, 1))
        far = np.sqrt(((grid - centre) ** 2).sum(0))
        label = (far < 30).astype(np.uint8) + (far < 10).astype(np.uint8)
        image = (generator.normal(0, 100, label.shape) - 5 * far).astype(np.int16)
        affine = np.diag([0.8, 0.8, 1.5, 1.0])
        affine[:3, 3] = [-60 - at, -50, 20]
        for name, data in (("image", image), ("label", label)):
            nibabel.save(nibabel.Nifti1Image(data, affine), folder / f"{name}{at:02d}.nii.gz")


def files(cases: int = CASES) -> list[dict[str, str]]:
    """Return the paths of the cases."""
    return [
        {"image": str(folder() / f"image{at:02d}.nii.gz"), "label": str(folder() / f"label{at:02d}.nii.gz")}
        for at in range(cases)
    ]


# ---- ours


def dataset(cases: int = CASES) -> PatchDataset:
    """Return our patches, with the store filled."""
    listed = [VolumeCase(str(at), pair["image"], pair["label"]) for at, pair in enumerate(files(cases))]
    store = VolumeStore(listed, folder() / "store")
    store.fill()
    return PatchDataset(store, (PATCH,) * 3, patches_per_case=PATCHES // cases, sampling=PosNegRatio())


def our_loader(patches: PatchDataset, *, threads: int | None = None, workers: int = 0) -> Any:
    """Return our loader: threads, or worker processes."""
    batches = TrainBatches(Shuffle(range(len(patches)), 0), 2)
    if workers:
        more: dict[str, Any] = {"num_workers": workers, "persistent_workers": True, "collate_fn": as_it_is}
        return TrainLoader(patches, batch_sampler=batches, **more)
    return PatchLoader(patches, batches, threads=torch.get_num_threads() if threads is None else threads)


# ---- peers


def monai_steps(*, metadata: bool = True) -> list[Any]:
    """Return MONAI's transforms: the cached part, and the random crop."""
    from monai import transforms as monai

    keys = ["image", "label"]
    places = {"fg_indices_key": "label_fg_indices", "bg_indices_key": "label_bg_indices"}
    return [
        monai.LoadImaged(keys, reader="NibabelReader"),
        monai.EnsureChannelFirstd(keys),
        monai.CastToTyped(keys, dtype=[torch.float32, torch.uint8]),
        monai.FgBgToIndicesd("label"),
        *([] if metadata else [monai.ToTensord(keys, track_meta=False)]),
        monai.RandCropByPosNegLabeld(keys, "label", (PATCH,) * 3, 1, 1, 2, **places),
        monai.SelectItemsd(keys),
    ]


def monai_loader(data: Any) -> Any:
    """Return MONAI's loader with a thread ahead."""
    from monai.data import ThreadDataLoader

    return ThreadDataLoader(data, batch_size=1, shuffle=True, num_workers=0, buffer_size=2)


def torchio_loader() -> Any:
    """Return torchio's queue over loaded subjects."""
    import torchio

    subjects = [
        torchio.Subject(image=torchio.ScalarImage(pair["image"]), label=torchio.LabelMap(pair["label"]), number=at)
        for at, pair in enumerate(files())
    ]
    for subject in subjects:
        subject.load()
        subject["image"].set_data(subject["image"].data.float())
    queue = torchio.Queue(
        torchio.SubjectsDataset(subjects, load_getitem=False),
        *(PATCHES // 2, PER_CASE, torchio.UniformSampler(PATCH)),
    )
    return torchio.SubjectsLoader(queue, batch_size=2, num_workers=0)


def epoch(loader: Iterable[Any], read: Callable[[Any], Seen], passes: int = 1) -> Callable[[], Seen]:
    """Return a call that goes through an epoch of the same number of patches and keeps the last batch."""

    def run() -> Seen:
        seen, last = 0, None
        for _ in range(passes):
            for batch in loader:
                seen += 2
                last = batch
        assert seen == PATCHES, seen
        return read(last)

    return run


def of_ours(batch: Any) -> Seen:
    return batch["image"], batch["label"], batch["affine"], [int(name) for name in batch["id"]]


def of_monai(batch: Any) -> Seen:
    image, label = (torch.as_tensor(batch[name]).permute(0, 1, 4, 3, 2) for name in ("image", "label"))
    meta = getattr(batch["image"], "meta", {})
    if "filename_or_obj" not in meta:  # PersistentDataset leaves it out by default, which makes it faster
        return image, label, None, None
    names = [Path(name).name for name in meta["filename_or_obj"]]
    return image, label, meta["affine"], [int(name[5:7]) for name in names]


def of_torchio(batch: Any) -> Seen:
    image, label = (batch[name]["data"].permute(0, 1, 4, 3, 2) for name in ("image", "label"))
    return image, label, torch.as_tensor(np.asarray(batch["image"]["affine"])), batch["number"].tolist()


def ours() -> Callable[[], Any]:
    """Return our epoch."""
    return epoch(our_loader(dataset()), of_ours)


def cache_dataset(*, metadata: bool = True) -> Callable[[], Any]:
    """Return an epoch of MONAI's ``CacheDataset``."""
    from monai.data import CacheDataset

    data = CacheDataset(files(), monai_steps(metadata=metadata), num_workers=2, **QUIET)
    return epoch(monai_loader(data), of_monai, PER_CASE // 2)


def smart_cache() -> Callable[[], Any]:
    """Return an epoch of MONAI's ``SmartCacheDataset``, which holds half of the cases at a time."""
    from monai.data import SmartCacheDataset

    data = SmartCacheDataset(files(), monai_steps(), replace_rate=0.25, cache_num=CASES // 2, shuffle=False, **QUIET)
    data.start()
    return epoch(Renewed(data, monai_loader(data)), of_monai, PER_CASE)


def persistent() -> Callable[[], Any]:
    """Return an epoch of MONAI's ``PersistentDataset``."""
    from monai.data import PersistentDataset

    data = PersistentDataset(files(), monai_steps(), cache_dir=folder() / "persistent")
    return epoch(monai_loader(data), of_monai, PER_CASE // 2)


MAKERS: dict[str, Callable[[], Callable[[], Any]]] = {
    "deephealth": ours,
    "CacheDataset": cache_dataset,
    "CacheDataset, no metadata": lambda: cache_dataset(metadata=False),
    "SmartCacheDataset": smart_cache,
    "PersistentDataset": persistent,
    "torchio Queue": lambda: epoch(torchio_loader(), of_torchio),
}


def peers() -> Mapping[str, Callable[[], Any]]:
    """Return an epoch of each; what a call needs is loaded at its first time, in the rounds that warm up."""
    warnings.filterwarnings("ignore")
    return {name: Lazy(make) for name, make in MAKERS.items()}


class Lazy:
    """A call that is made when it is first called."""

    def __init__(self, make: Callable[[], Callable[[], Any]]) -> None:
        self.make, self.call = make, None

    def __call__(self) -> Any:
        """Go through the epoch."""
        self.call = self.call or self.make()
        return self.call()


class Renewed:
    """MONAI's smart cache exchanges a part of itself after each pass."""

    def __init__(self, data: Any, loader: Any) -> None:
        self.data, self.loader = data, loader

    def __iter__(self) -> Iterator[Any]:
        yield from self.loader
        self.data.update_cache()


def check(found: Mapping[str, Any]) -> str:
    """Look up where each patch lies, and compare it with the file."""
    compared = 0
    for name, (images, labels, affines, numbers) in found.items():
        for at, (image, label) in enumerate(zip(images, labels, strict=True)):
            patch = np.asarray(image[0])
            number, (k, j, i) = _search(patch) if affines is None else _place(affines[at], numbers[at])
            for kind, mine in (("image", patch), ("label", np.asarray(label[0]))):
                there = _volume(kind, number)[k : k + PATCH, j : j + PATCH, i : i + PATCH]
                np.testing.assert_array_equal(mine, there, err_msg=name)
            compared += 1
    return f"{compared} patches equal the files at the place that their affine names"


@cache
def _volume(kind: str, number: int) -> np.ndarray:
    return np.asarray(nibabel.load(folder() / f"{kind}{number:02d}.nii.gz").dataobj).T


def _place(affine: Any, number: int) -> tuple[int, tuple[int, int, int]]:
    whole = nibabel.load(folder() / f"image{number:02d}.nii.gz").affine
    start = np.linalg.solve(whole, np.asarray(affine, np.float64))[:3, 3]
    i, j, k = np.rint(start).astype(int).tolist()
    assert np.abs(start - [i, j, k]).max() < 1e-3, start
    return number, (k, j, i)


def _search(patch: np.ndarray) -> tuple[int, tuple[int, int, int]]:
    room = SIZE - PATCH + 1
    for number in range(CASES):
        whole = _volume("image", number)
        fits = np.ones((room,) * 3, bool)
        for k, j, i in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (50, 50, 50)):
            fits &= whole[k : k + room, j : j + room, i : i + room] == patch[k, j, i]
        for place in np.argwhere(fits):
            return number, tuple(place.tolist())
    raise AssertionError("a patch that is in no volume")


ROWS = [
    Row(
        "patches",
        f"cached epoch of {PATCHES} patches of {PATCH}³ from {CASES} volumes of {SIZE}³, batches of 2",
        peers,
        check,
        goals={name: 1.5 for name in MAKERS if name != "deephealth"},
        rounds=5,
        packages=("monai", "torchio", "torch", "numba"),
    )
]
