"""What the tests of ONNX share."""

from __future__ import annotations

import pytest
import torch

from deephealth import eddl


@pytest.fixture(autouse=True)
def fresh_names_and_seed():
    from deephealth.eddl.graph.names import reset_names

    reset_names()
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def drawn():
    """Build a net, and give every parameter something other than zeros."""

    def draw(net):
        eddl.build(net, eddl.sgd(0.1), ["mse"] * len(net.lout), ["mse"] * len(net.lout), eddl.CS_CPU(), True)
        generator = torch.Generator().manual_seed(1)
        for layer in net.layers:
            for slot, param in zip(layer.slots(), layer.params, strict=True):
                if "var" in slot.name:
                    param.torch.uniform_(0.5, 2.0, generator=generator)
                elif param.torch.numel() and not param.torch.any():
                    param.torch.uniform_(-0.5, 0.5, generator=generator)
        return net

    return draw


@pytest.fixture(scope="session")
def run():
    """Run a net in test mode: input tensor to a list of tensors."""

    def call(net, *xs):
        net.module.eval()
        with torch.no_grad():
            found = net.module(*xs)
        return list(found) if isinstance(found, tuple) else [found]

    return call


@pytest.fixture(scope="session")
def run_onnx():
    """Run serialised bytes with onnxruntime."""
    runtime = pytest.importorskip("onnxruntime")

    def call(content, *xs):
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [each.name for each in session.get_inputs()]
        results = session.run(None, {name: x.numpy() for name, x in zip(names, xs, strict=True)})
        return [torch.from_numpy(each) for each in results]

    return call


@pytest.fixture(scope="session")
def difference():
    """The largest difference of two tensors, relative to the largest number of the first."""

    def measure(a, b):
        assert a.shape == b.shape
        return float((a.double() - b.double()).abs().max() / a.double().abs().max().clamp(min=1e-30))

    return measure
