"""Which version of a kernel a call takes, and how work is shared among threads."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
import torch

from deephealth.core.errors import ConfigError, DeviceError
from deephealth.kernels import compilers
from deephealth.kernels.compilers import compiled, on_cores, use, using, version_for
from deephealth.kernels.floats import exp32, log32


@compiled
def _exponentials(x, out):
    for at in range(x.size):
        out[at] = exp32(x[at])


@compiled
def _logarithms(x, out):
    for at in range(x.size):
        out[at] = log32(x[at])


def test_main_memory_takes_the_compiled_version_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("DEEPHEALTH_KERNELS", raising=False)
    tensor = torch.zeros(2)
    assert version_for(tensor) == "compiled"
    monkeypatch.setenv("DEEPHEALTH_KERNELS", "reference")
    assert version_for(tensor) == "reference"
    with using("triton"):  # the program's word counts more than the environment's
        assert version_for(tensor) == "triton"
    assert version_for(tensor) == "reference"


def test_other_devices_take_the_reference_and_never_the_compiled_version():
    there = torch.zeros(2, device="meta")
    assert version_for(there) == "reference"
    with using("compiled"):
        assert version_for(there) == "reference"


def test_tensors_on_two_devices_are_refused_with_both_named():
    with pytest.raises(DeviceError, match="cpu, meta"):
        version_for(torch.zeros(1), torch.zeros(1, device="meta"))


def test_triton_needs_an_accelerator_or_its_interpreter(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with using("triton"), pytest.raises(DeviceError, match="main memory"):
        version_for(torch.zeros(1))


def test_unknown_versions_are_refused_and_what_was_chosen_stays(monkeypatch):
    with pytest.raises(ConfigError, match="compiled"):
        use("compild")
    monkeypatch.setenv("DEEPHEALTH_KERNELS", "fast")
    with pytest.raises(ConfigError, match="DEEPHEALTH_KERNELS"):
        version_for(torch.zeros(1))
    monkeypatch.delenv("DEEPHEALTH_KERNELS")
    with pytest.raises(RuntimeError, match="inside"), using("reference"):
        raise RuntimeError("inside")
    assert version_for(torch.zeros(1)) == "compiled"


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("count", "grain"), [(0, 4), (1, 4), (10, 3), (1000, 1), (7, 0)])
def test_every_index_is_done_once_in_the_same_stretches_on_any_number_of_threads(threads, count, grain):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = on_cores(lambda first, last: (first, last), count, grain)
    finally:
        torch.set_num_threads(before)
    step = max(1, grain)
    assert found == [(first, min(first + step, count)) for first in range(0, count, step)]


def test_a_mistake_in_any_stretch_is_raised():
    def run(first, last):
        if first == 6:
            raise ValueError("stretch 6")
        return first

    with pytest.raises(ValueError, match="stretch 6"):
        on_cores(run, 10, 2)


def test_kernels_that_call_kernels_do_not_wait_for_each_other():
    found = on_cores(lambda first, last: sum(on_cores(lambda a, b: b - a, 100, 10)), 8, 1)
    assert found == [100] * 8


def test_several_threads_may_share_the_cores():
    sums: list[int] = []
    workers = [
        threading.Thread(target=lambda: sums.append(sum(on_cores(lambda a, b: b - a, 5000, 7)))) for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sums == [5000] * 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_forked_worker_has_threads_of_its_own():
    on_cores(lambda first, last: None, 4, 1)  # the parent's threads are there now
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, bytes([sum(on_cores(lambda first, last: last - first, 50, 5))]))
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as answer:
        assert answer.read() == bytes([50])


def test_without_triton_the_modules_still_import_and_say_what_is_missing(monkeypatch):
    monkeypatch.setattr(compilers, "triton", compilers._NoTriton())
    with using("triton"), pytest.raises(DeviceError, match="not installed"):
        version_for(torch.zeros(1))

    def kernel():
        return 1

    assert compilers.triton.jit(kernel)() == 1


def test_exponential_and_logarithm_are_within_three_in_ten_million():
    x = np.linspace(-87, 88.3, 200_003, dtype=np.float32)
    out = np.empty_like(x)
    _exponentials(x, out)
    assert np.max(np.abs(out / np.exp(x.astype(np.float64)) - 1)) < 3.2e-7
    back = np.empty_like(x)
    _logarithms(out, back)
    right = np.log(out.astype(np.float64))
    assert np.max(np.abs(back - right) / np.maximum(np.abs(right), 1)) < 2e-7


def test_exponential_keeps_nan_and_is_never_negative_or_infinite_too_early():
    x = np.array([np.nan, -np.inf, -1000, 0, 1000], np.float32)
    out = np.empty_like(x)
    _exponentials(x, out)
    assert np.isnan(out[0])
    assert 0 <= out[1] < 2e-38
    assert 0 <= out[2] < 2e-38
    assert out[3] == 1
    assert np.isfinite(out[4])
