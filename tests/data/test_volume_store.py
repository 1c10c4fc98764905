from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deephealth.core.errors import ConfigError, DataError, StorageError
from deephealth.data.prepare_volume import PrepareVolume
from deephealth.data.volume_cache import VolumeCache
from deephealth.data.volume_case import CaseArrays, VolumeCase, read_case
from deephealth.data.volume_store import VolumeStore
from tests.data.volumes import AFFINE, write_case


class Counting:
    """Prepares as usual, and counts."""

    def __init__(self, settings: Any = 1) -> None:
        self.config, self.made = settings, []

    def __call__(self, case: VolumeCase) -> CaseArrays:
        self.made.append(case.id)
        return PrepareVolume()(case)


@pytest.fixture
def cases(tmp_path: Path) -> list[VolumeCase]:
    return [write_case(tmp_path / "set", name) for name in "abc"]


def test_what_is_stored_is_what_was_read(cases: list[VolumeCase], tmp_path: Path) -> None:
    store = VolumeStore(cases, tmp_path / "cache")
    seen: list[tuple[int, int]] = []
    report = store.fill(progress=lambda done, total: seen.append((done, total)), threads=2)
    assert (report.num_cases, report.made, report.problems) == (3, 3, {})
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for case, stored in zip(cases, store, strict=True):
        arrays = read_case(case)
        np.testing.assert_array_equal(stored.image, arrays.image)
        np.testing.assert_array_equal(stored.label, arrays.label)
        np.testing.assert_array_equal(stored.affine, arrays.affine)
        assert stored.image.dtype == np.int16
        assert not stored.image.flags.writeable
        assert arrays.label is not None
        assert stored.classes == {0: int((arrays.label == 0).sum()), 1: int((arrays.label == 1).sum()), 3: 1}
        assert (arrays.label.reshape(-1)[stored.places(1)] == 1).all()
        assert len(stored.places(2)) == 0
        assert stored.statistics["all"][0]["mean"] == pytest.approx(arrays.image.mean())
    raw = sum(array.image.nbytes + array.label.nbytes for array in store if array.label is not None)
    assert report.num_bytes < 3 * 60_000 + raw  # voxels, their places and a header: no float copies


def test_a_changed_file_makes_its_case_anew(cases: list[VolumeCase], tmp_path: Path) -> None:
    prepare = Counting()
    VolumeStore(cases, tmp_path / "cache", prepare=prepare).fill()
    assert sorted(prepare.made) == ["a", "b", "c"]
    again = write_case(tmp_path / "set", "b", (5, 12, 14))
    os.utime(again.files()["image 0"][0], ns=(1, 1))
    store = VolumeStore(cases, tmp_path / "cache", prepare=prepare)
    assert store.fill().made == 1
    assert prepare.made[3:] == ["b"]
    assert store[1].shape == (5, 12, 14)


def test_changed_settings_make_all_anew_and_leave_the_others(cases: list[VolumeCase], tmp_path: Path) -> None:
    cache = VolumeCache(tmp_path / "cache")
    for settings, made in (("x", 3), ("y", 3), ("x", 0)):
        prepare = Counting({"a": settings})
        assert VolumeStore(cases, cache, prepare=prepare).fill().made == made
        assert len(prepare.made) == made
    assert len(cache) == 6
    assert VolumeStore(cases, cache, prepare=Counting({"a": "x"}), most_places=5).fill().made == 3
    assert VolumeStore(cases, cache, prepare=PrepareVolume(spacing=(2, 2, 2))).fill().made == 3
    assert VolumeStore(cases, cache, prepare=Counting({"a": "x"}), config=7).fill().made == 3
    bare = [VolumeCase(case.id, case.images) for case in cases]
    assert VolumeStore(bare, cache, prepare=Counting({"a": "x"}), labels=False).fill().made == 3
    assert VolumeStore(cases[::-1], cache, prepare=Counting({"a": "x"})).fill().made == 0


@pytest.mark.parametrize("damage", [b"", b"x" * 200, None])
def test_damage_is_made_anew(cases: list[VolumeCase], tmp_path: Path, damage: bytes | None) -> None:
    prepare = Counting()
    store = VolumeStore(cases, tmp_path / "cache", prepare=prepare)
    store.fill()
    path = next((tmp_path / "cache").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    other = VolumeStore(cases, tmp_path / "cache", prepare=prepare)
    assert other[0].image.shape == other[1].image.shape == other[2].image.shape  # made on the spot
    assert len(prepare.made) == 4
    assert other.fill().made == 0


def test_a_killed_filling_goes_on(cases: list[VolumeCase], tmp_path: Path) -> None:
    class Stops(Counting):
        def __call__(self, case: VolumeCase) -> CaseArrays:
            if len(self.made) == 2:
                raise KeyboardInterrupt
            return super().__call__(case)

    stops = Stops()
    with pytest.raises(KeyboardInterrupt):
        VolumeStore(cases, tmp_path / "cache", prepare=stops).fill(threads=1)
    goes_on = Counting()
    assert VolumeStore(cases, tmp_path / "cache", prepare=goes_on).fill().made == 1
    assert not set(goes_on.made) & set(stops.made)


def test_bad_cases_are_listed_and_the_others_are_done(cases: list[VolumeCase], tmp_path: Path) -> None:
    broken = write_case(tmp_path / "set", "broken")
    broken.files()["image 0"][0].write_bytes(b"not a volume")
    moved = write_case(tmp_path / "set", "moved")
    write_case(tmp_path / "other", "moved", affine=AFFINE + np.eye(4, k=3))
    shifted = VolumeCase("moved", moved.images, tmp_path / "other" / "moved_seg.nii.gz")
    absent = VolumeCase("absent", tmp_path / "none.nii.gz", cases[0].label)
    listed = [broken, *cases, shifted, absent]
    store = VolumeStore(listed, tmp_path / "cache")
    with pytest.raises(DataError, match="3 of 6 cases") as caught:
        store.fill()
    for name in ("broken.nii.gz", "moved_seg.nii.gz", "none.nii.gz", "1 mm apart"):
        assert name in str(caught.value)
    report = VolumeStore(listed, tmp_path / "cache").fill(on_bad="leave_out")
    assert (report.num_cases, report.made, sorted(report.problems)) == (3, 0, ["absent", "broken", "moved"])
    left = VolumeStore(listed, tmp_path / "cache")
    left.fill(on_bad="leave_out")
    assert [case.id for case in left] == ["a", "b", "c"]
    np.testing.assert_array_equal(left[0].image, read_case(cases[0]).image)


def test_anybodys_error_is_a_problem_of_its_case(cases: list[VolumeCase], tmp_path: Path) -> None:
    def prepare(case: VolumeCase) -> CaseArrays:
        if case.id == "b":
            raise ZeroDivisionError("oh")
        return PrepareVolume()(case)

    with pytest.raises(ConfigError, match="no settings"):
        VolumeStore(cases, tmp_path / "cache", prepare=prepare)
    store = VolumeStore(cases, tmp_path / "cache", prepare=prepare, config="mine")
    with pytest.raises(DataError, match="preparing 'b' failed: ZeroDivisionError: oh"):
        store.fill()
    assert store[2].id == "c"


def test_what_no_store_can_hold(cases: list[VolumeCase], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no cases"):
        VolumeStore([], tmp_path)
    with pytest.raises(DataError, match="called a"):
        VolumeStore([*cases, cases[0]], tmp_path)
    bare = [VolumeCase(name, cases[0].images) for name in ("x", "y")]
    with pytest.raises(DataError, match="2 of 5 cases have no label: x, y"):
        VolumeStore([*cases, *bare], tmp_path)
    assert VolumeStore(bare, tmp_path, labels=False)[0].label is None


def test_larger_than_the_budget(cases: list[VolumeCase], tmp_path: Path) -> None:
    one = VolumeStore(cases[:1], tmp_path / "first").fill().num_bytes
    with pytest.raises(StorageError, match=r"3 cases need about .* budget") as caught:
        VolumeStore(cases, VolumeCache(tmp_path / "cache", max_bytes=int(one * 2.5))).fill()
    assert f"max_bytes={int(one * 3 * 1.1)}" in str(caught.value)


def test_the_running_set_is_not_trimmed(cases: list[VolumeCase], tmp_path: Path) -> None:
    one = VolumeStore(cases[:1], tmp_path / "first").fill().num_bytes
    small = {"max_bytes": int(one * 3.2)}
    running = VolumeStore(cases, VolumeCache(tmp_path / "cache", **small))
    running.fill()
    process = multiprocessing.get_context("spawn").Process(target=_fill_others, args=(tmp_path, small))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    assert len([key for key in running._keys.values() if key in running.cache]) == 3
    del running  # from now on its entries may go
    VolumeStore([write_case(tmp_path / "more", "z")], VolumeCache(tmp_path / "cache", **small)).fill()
    files = list((tmp_path / "cache").glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= small["max_bytes"]
    assert not list((tmp_path / "cache").glob(".*.keep"))


def _fill_others(folder: Path, small: dict[str, int]) -> None:
    others = [write_case(folder / "others", name) for name in "uv"]
    store = VolumeStore(others, VolumeCache(folder / "cache", **small))
    store.fill()
    assert store[0].image.size


def test_what_a_killed_process_kept_is_free_again(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_keep_and_die, args=(tmp_path,))
    process.start()
    process.join(60)
    assert len(list(tmp_path.glob(".*.keep"))) == 1
    cache = VolumeCache(tmp_path, max_bytes=2000)
    for at in range(4):
        cache.put(f"k{at}", np.zeros(125))
    assert "k0" not in cache
    assert not list(tmp_path.glob(".*.keep"))


def _keep_and_die(folder: Path) -> None:
    kept = VolumeCache(folder).keep(["k0", "k1", "k2", "k3"])
    assert kept
    os._exit(1)


def test_two_processes_fill_at_once(cases: list[VolumeCase], tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_fill_many, args=(cases, tmp_path / "cache")) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = VolumeStore(cases, tmp_path / "cache")
    assert store.fill().made == 0
    assert not list((tmp_path / "cache").glob(".*.tmp"))


def _fill_many(cases: list[VolumeCase], folder: Path) -> None:
    for _ in range(5):
        store = VolumeStore(cases, folder)
        store.fill(threads=2)
        assert [case.id for case in store] == ["a", "b", "c"]
        store.cache.clear()
    VolumeStore(cases, folder).fill()


@pytest.mark.parametrize("ending", [".safetensors", ".keep"])
def test_a_full_disk_ends_the_filling(
    cases: list[VolumeCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    store = VolumeStore(cases, tmp_path / "cache")
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.suffix == ending:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(StorageError, match="No space left"):
            store.fill()
    assert not list((tmp_path / "cache").glob(".*.tmp"))
    assert store.fill().made == 3


def test_it_pickles_as_paths(cases: list[VolumeCase], tmp_path: Path) -> None:
    store = VolumeStore(cases, tmp_path / "cache")
    store.fill()
    data = pickle.dumps(store)
    assert len(data) < 10_000
    other = pickle.loads(data)
    np.testing.assert_array_equal(other[1].image, store[1].image)


def test_many_cases_hold_few_files_open(
    cases: list[VolumeCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deephealth.data.volume_store._MOST_OPEN", 2)
    store = VolumeStore(cases, tmp_path / "cache")
    store.fill()
    held = [store[at] for at in (0, 1, 2, 0, 1, 2)]
    assert len(store._open) == 2
    assert len({case.id for case in held}) == 3


def test_threads_prepare_at_the_same_time(cases: list[VolumeCase], tmp_path: Path) -> None:
    meeting = threading.Barrier(3, timeout=30)

    class Meets(Counting):
        def __call__(self, case: VolumeCase) -> CaseArrays:
            meeting.wait()
            return super().__call__(case)

    assert VolumeStore(cases, tmp_path / "cache", prepare=Meets()).fill(threads=3).made == 3


def test_monai_prepares(cases: list[VolumeCase], tmp_path: Path) -> None:
    monai = pytest.importorskip("monai.transforms")
    from deephealth.io.volume import Volume

    chain = monai.Compose(
        [
            monai.LoadImaged(["image", "label"], ensure_channel_first=True),
            monai.Orientationd(["image", "label"], axcodes="RAS", labels=None),
            monai.Spacingd(["image", "label"], pixdim=(1.0, 1.0, 2.0), mode=("bilinear", "nearest")),
        ]
    )

    def prepare(case: VolumeCase) -> CaseArrays:
        found = chain({"image": case.files()["image 0"][0], "label": case.files()["label"][0]})
        image, label = (Volume.from_monai(found[name]) for name in ("image", "label"))
        return CaseArrays(image.data, image.affine, label.data)

    store = VolumeStore(cases[:1], tmp_path / "cache", prepare=prepare, config={"pixdim": [1, 1, 2]})
    store.fill()
    np.testing.assert_allclose(np.diag(store[0].affine)[:3], [1, 1, 2])
    assert store[0].image.dtype == np.float32
    assert store[0].label is not None
    assert store[0].label.dtype == np.uint8


def test_settings_must_be_json(cases: list[VolumeCase], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="JSON"):
        VolumeStore(cases, tmp_path, prepare=Counting({"f": object()}))
