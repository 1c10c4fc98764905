"""The sliding window against MONAI's, its labels and files against its averages, and input that is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import SlidingWindowInferer

from deephealth.core.errors import ConfigError, DataError, DeviceError, ModelError, StorageError
from deephealth.infer.sliding_window import SlidingWindow
from deephealth.kernels.compilers import using


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(x: torch.Tensor) -> torch.Tensor:
    """Three classes that depend on the place in the window, so that the blending matters."""
    ramp = torch.linspace(-1, 1, x.shape[-1])
    return torch.cat([x[:, :1] * ramp, x[:, :1].abs(), x[:, :1] + ramp.flip(0)], 1)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    axes = draw(st.sampled_from((2, 3)))
    per_axis = {"min_size": axes, "max_size": axes}
    return {
        "shape": (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *draw(st.lists(st.integers(1, 14), **per_axis))),
        "roi_size": draw(st.one_of(st.integers(1, 8), st.lists(st.one_of(st.integers(1, 9), st.just(-1)), **per_axis))),
        "overlap": draw(st.one_of(st.just(0.25), st.lists(st.sampled_from((0, 0.25, 0.5, 0.8)), **per_axis))),
        "mode": draw(st.sampled_from(("constant", "gaussian"))),
        "sigma_scale": draw(st.sampled_from((0.125, 0.5))),
        "padding_mode": draw(st.sampled_from(("constant", "replicate"))),
        "cval": draw(st.sampled_from((0.0, -1.5))),
        "batch": draw(st.integers(1, 5)),
    }


def peer(case: dict[str, Any]) -> SlidingWindowInferer:
    rest = {key: case[key] for key in ("overlap", "mode", "sigma_scale", "padding_mode", "cval")}
    if case["padding_mode"] != "constant":
        rest["cval"] = 0.0  # MONAI refuses it where it has no meaning
    return SlidingWindowInferer(case["roi_size"], case["batch"], **rest)


def ours(case: dict[str, Any], **more: Any) -> SlidingWindow:
    rest = {key: value for key, value in case.items() if key not in ("shape", "roi_size")}
    return SlidingWindow(case["roi_size"], network, **rest, **more)


@given(cases())
def test_averages_are_monais_and_labels_are_their_argmax(case: dict[str, Any]) -> None:
    volume = numbers(*case["shape"])
    window = ours(case)
    found = window(volume)
    wanted = peer(case)(volume.clone(), network)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    labels = window.labels(volume)
    assert labels.dtype == torch.uint8
    assert torch.equal(labels.long(), found.argmax(1))


@settings(max_examples=12)
@given(cases(), st.sampled_from(("reference", "triton")))
def test_other_kernels_give_the_same(case: dict[str, Any], version: str) -> None:
    case["shape"] = (*case["shape"][:2], *(min(size, 6) for size in case["shape"][2:]))
    case["roi_size"] = 3
    volume = numbers(*case["shape"])
    wanted = ours(case)(volume)
    with using(version):
        torch.testing.assert_close(ours(case)(volume), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.transpose(2, 4).contiguous().transpose(2, 4),
        lambda x: x.to(memory_format=torch.channels_last_3d),
        lambda x: x[:, :, ::1, 1:, ::2],
        lambda x: x.half(),
        lambda x: x.bfloat16(),
        lambda x: (x * 100).to(torch.int16),
        lambda x: x.double(),
        lambda x: x[:, :, :1],
        lambda x: x[:, :1].expand(-1, 2, -1, -1, -1),
        lambda x: x.clone().requires_grad_(),
    ],
)
def test_any_memory_and_dtype(change: Any, batch: int) -> None:
    volume = change(numbers(1, 2, 7, 9, 10))
    plain = volume.detach().float().contiguous()
    window = SlidingWindow(4, network, overlap=0.5, mode="gaussian", batch=batch)
    wanted = SlidingWindowInferer(4, 2, 0.5, mode="gaussian")(plain.clone(), network)
    torch.testing.assert_close(window(volume), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "output",
    [
        lambda x: network(x).half(),
        lambda x: network(x).bfloat16(),
        lambda x: network(x).to(memory_format=torch.channels_last_3d),
        lambda x: x.expand(-1, 3, -1, -1, -1),
    ],
)
def test_any_output_of_a_network(output: Any) -> None:
    volume = numbers(1, 1, 9, 9, 9)
    found = SlidingWindow(4, output, overlap=0.5)(volume)
    wanted = SlidingWindowInferer(4, 2, 0.5)(volume, lambda x: output(x).float().contiguous())
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_network_that_changes_its_input_changes_no_volume(batch: int) -> None:
    volume = numbers(1, 1, 8, 8, 8)
    before = volume.clone()
    found = SlidingWindow(4, lambda x: x.mul_(2), overlap=0.5, batch=batch)(volume)
    assert torch.equal(volume, before)
    torch.testing.assert_close(found, before * 2)


def test_a_network_that_begins_to_change_its_input_is_an_error() -> None:
    calls = []

    def network(x: torch.Tensor) -> torch.Tensor:
        calls.append(0)
        return x.mul_(2) if len(calls) > 2 else x

    with pytest.raises(ModelError, match="wrote into its input"):
        SlidingWindow(4, network, batch=1)(numbers(1, 1, 8, 8, 8))


def test_outputs_of_several_scales_as_monai() -> None:
    volume = numbers(1, 1, 12, 12, 12)

    def several(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"full": network(x), "half": torch.nn.functional.avg_pool3d(x, 2)}

    arguments = {"overlap": 0.5, "mode": "gaussian"}
    wanted = SlidingWindowInferer(8, 2, **arguments)(volume, several)
    found = SlidingWindow(8, several, **arguments)(volume)
    assert list(found) == ["full", "half"]
    for key in found:
        torch.testing.assert_close(found[key], wanted[key], rtol=1e-5, atol=1e-5)
    turned = SlidingWindow(8, lambda x: tuple(several(x)[key] for key in ("half", "full", "half")), **arguments)(volume)
    for tensor, key in zip(turned, ("half", "full", "half"), strict=True):
        assert torch.equal(tensor, found[key])
    pair = SlidingWindow(8, lambda x: (x, x + 1), **arguments)(volume)
    torch.testing.assert_close(pair[1] - pair[0], torch.ones_like(volume))
    half = SlidingWindow(16, lambda x: torch.nn.functional.avg_pool3d(network(x), 2), **arguments)
    wanted = SlidingWindowInferer(16, 2, **arguments)(volume, half.networks)
    torch.testing.assert_close(half(volume), wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(half.labels(volume).long(), wanted.argmax(1))


def test_scaled_windows_that_begin_at_one_voxel_as_monai() -> None:
    volume = numbers(1, 1, 6, 7, 8)
    for batch in (1, 3):
        window = SlidingWindow(4, lambda x: torch.nn.functional.avg_pool3d(x, 4), overlap=0.75, batch=batch)
        wanted = SlidingWindowInferer(4, 2, 0.75)(volume, window.networks)
        torch.testing.assert_close(window(volume), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_ensemble_with_mirror_images_equals_loops(average: str) -> None:
    volume = numbers(1, 1, 9, 10, 11)
    networks = [network, lambda x: network(x * 2) - 1]
    weights, window = [3.0, 1.0], (4, 5, 6)
    total, count = torch.zeros(1, 3, 9, 10, 11), torch.zeros(9, 10, 11)
    for z, y, x in product((0, 2, 4, 5), (0, 2, 4, 5), (0, 3, 5)):
        at = (slice(None), slice(None), slice(z, z + 4), slice(y, y + 5), slice(x, x + 6))
        for net, weight in zip(networks, weights, strict=True):
            for axes in ((), (2,), (4,), (2, 4)):
                answer = net(volume[at].flip(axes)).flip(axes)
                total[at] += (answer.softmax(1) if average == "probabilities" else answer) * weight / 16
        count[at[2:]] += 1
    wanted = total / count
    sliding = SlidingWindow(
        window, networks, overlap=0.5, weights=weights, mirror=(0, 2), average=average, activation="softmax"
    )
    wanted = wanted if average == "probabilities" else wanted.softmax(1)
    torch.testing.assert_close(sliding(volume), wanted, rtol=1e-5, atol=1e-5)
    best = wanted.topk(2, 1).values
    clear = best[:, 0] - best[:, 1] > 1e-5
    assert (sliding.labels(volume) == wanted.argmax(1))[clear].all()


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_regions_are_nested(average: str) -> None:
    volume = numbers(1, 1, 9, 9, 9)
    window = SlidingWindow(4, network, overlap=0.5, average=average, activation="sigmoid")
    probability = window(volume)
    for threshold in (None, 0.7):
        above = probability > (threshold or 0.5)
        wanted = torch.where(above[:, 2], 3, torch.where(above[:, 1], 2, above[:, 0].long()))
        assert (window.labels(volume, threshold=threshold) == wanted).all()


def test_more_than_256_classes_are_int16() -> None:
    volume = torch.ones(1, 1, 3, 3, 3)
    window = SlidingWindow(2, lambda x: torch.arange(300.0).reshape(1, 300, 1, 1, 1).expand(len(x), -1, 2, 2, 2))
    labels = window.labels(volume)
    assert labels.dtype == torch.int16
    assert (labels == 299).all()


@pytest.mark.parametrize("shape", [(2, 1, 5, 12, 13), (1, 1, 3, 9, 10), (2, 1, 12, 13)])
def test_files_equal_memory(shape: tuple[int, ...], tmp_path: Path) -> None:
    volume = numbers(*shape)
    window = SlidingWindow(4, network, overlap=0.5, mode="gaussian", activation="softmax")
    file = window.write(volume, tmp_path / "new" / "p.npy")
    np.testing.assert_allclose(np.load(file, mmap_mode="r"), window(volume).numpy(), rtol=1e-6, atol=1e-7)
    half = np.load(window.write(volume, tmp_path / "h.npy", dtype=torch.float16))
    assert half.dtype == np.float16
    labels = np.load(window.write_labels(volume, tmp_path / "l.npy"))
    assert labels.dtype == np.uint8
    assert (labels == window.labels(volume).numpy()).all()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["h.npy", "l.npy", "new"]


def test_a_run_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    np.save(file, np.arange(3))
    calls = []

    def breaking(x: torch.Tensor) -> torch.Tensor:
        calls.append(0)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        SlidingWindow(4, breaking, batch=1).write(numbers(1, 1, 9, 9, 9), file)
    assert np.load(file).tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [file]


def test_files_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window = SlidingWindow(4, network)
    with pytest.raises(StorageError, match=r"a\.npz"):
        window.write(numbers(1, 1, 4, 4, 4), tmp_path / "a.npz")
    with pytest.raises(ConfigError, match="dtype"):
        window.write(numbers(1, 1, 4, 4, 4), tmp_path / "a.npy", dtype=torch.int8)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match="No space"):
        window.write_labels(numbers(1, 1, 4, 4, 4), tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


def test_progress_counts_windows() -> None:
    seen: list[tuple[int, int]] = []
    SlidingWindow(4, network, overlap=0, batch=3, progress=lambda *at: seen.append(at))(numbers(2, 1, 8, 8, 4))
    assert seen == [(3, 8), (6, 8), (8, 8)]


MEMORY = """
import resource, torch
from deephealth.infer.sliding_window import SlidingWindow
torch.set_num_threads(1)
volume = torch.zeros(1, 1, 16, 16, 16)
window = SlidingWindow(16, lambda x: x.expand(-1, 40, -1, -1, -1), overlap=0.5, mode="gaussian")
window.labels(volume)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
labels = window.labels(torch.zeros(1, 1, 1).expand(96, 96, 96)[None, None])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_labels_never_hold_classes_times_volume() -> None:
    """40 classes × 96³ of float32 are 135 MiB; what the windows still touch is a twelfth and a little."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, "-c", MEMORY], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert float(found.stdout) < 30


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"roi_size": 0}, "roi_size: 0"),
        ({"roi_size": (4, 2.5, 4)}, "roi_size: 2.5"),
        ({"overlap": 1}, "overlap: 1"),
        ({"overlap": (0.5, -0.1, 0)}, "overlap: -0.1"),
        ({"sigma_scale": 0}, "sigma_scale: 0"),
        ({"batch": 0}, "batch: 0"),
        ({"mode": "hann"}, "mode: 'hann'"),
        ({"padding_mode": "wrap"}, "padding_mode: 'wrap'"),
        ({"dtype": torch.int32}, "dtype"),
        ({"networks": []}, "networks: there is none"),
        ({"weights": [1, 2]}, "weights: 2 for 1"),
        ({"weights": [0.0]}, "add up to zero"),
        ({"average": "probabilities"}, "need an activation"),
        ({"activation": "relu"}, "activation: 'relu'"),
        ({"mirror": (0, 3)}, "mirror"),
    ],
)
def test_settings_that_can_not_be(given_settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SlidingWindow(**{"roi_size": 4, "networks": network, **given_settings})


def test_volumes_and_outputs_that_can_not_be() -> None:
    window = SlidingWindow((4, 4, 4), network)
    with pytest.raises(DataError, match="B×C×D×H×W"):
        window(numbers(4, 4, 4))
    with pytest.raises(DataError, match="empty volume"):
        window(torch.zeros(0, 1, 4, 4, 4))
    with pytest.raises(DataError, match="roi_size has 3 numbers"):
        window(numbers(1, 1, 8, 8))
    with pytest.raises(DataError, match="can't be padded"):
        SlidingWindow(9, network, padding_mode="reflect")(numbers(1, 1, 3, 3, 3))
    volume = numbers(1, 1, 8, 8, 8)
    with pytest.raises(DataError, match="returned str"):
        SlidingWindow(4, lambda x: "no")(volume)
    with pytest.raises(DataError, match="return 2 tensors"):
        SlidingWindow(4, lambda x: (x, x)).labels(volume)
    with pytest.raises(DataError, match=r"returned torch\.float32 of"):
        SlidingWindow(4, lambda x: x.mean((2, 3, 4)))(volume)
    with pytest.raises(DataError, match="as the first one"):
        SlidingWindow(4, [lambda x: x, network])(volume)
    with pytest.raises(DataError, match="can't be mirrored"):
        SlidingWindow(4, network, mirror=(2,))(numbers(1, 1, 8, 8))
    with pytest.raises(ConfigError, match="threshold"):
        SlidingWindow(4, network).labels(volume, threshold=0.5)
    with pytest.raises(ConfigError, match="threshold: 1"):
        SlidingWindow(4, network, activation="sigmoid").labels(volume, threshold=1)
    volume[0, 0, 0, 0, 0] = torch.nan
    with pytest.raises(DataError, match="NaN for 1 voxels"):
        window.labels(volume)
    assert window(volume).isnan().any(1).sum() == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match="no GPU"):
        SlidingWindow(4, network, device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("version", ["auto", "triton"])
@pytest.mark.parametrize("buffer", [None, "cpu", "cuda"])
def test_networks_on_a_gpu(version: str, buffer: str | None) -> None:
    volume = numbers(1, 1, 40, 50, 60)
    arguments = {"overlap": 0.5, "mode": "gaussian"}
    wanted = SlidingWindow(24, network, **arguments)(volume)
    moved = SlidingWindow(24, lambda x: network(x.cpu()).cuda(), device="cuda", buffer_device=buffer, **arguments)
    if version == "triton" and buffer != "cuda":
        pytest.skip("Triton blends on the GPU alone")
    with using(version):
        torch.testing.assert_close(moved(volume).cpu(), wanted, rtol=1e-5, atol=1e-5)
        assert (moved.labels(volume) == wanted.argmax(1)).all()
