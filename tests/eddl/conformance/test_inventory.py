"""Every name of PyEDDL is here, with its parameters and defaults, and does something."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from pathlib import Path

import pytest

from deephealth import eddl
from deephealth.eddl import core_api, core_classes

INVENTORY = json.loads((Path(__file__).parent / "inventory.json").read_text(encoding="utf-8"))
FUNCTIONS: dict[str, list[list]] = INVENTORY["functions"]
REPLACED = {"CS_FPGA", "toFPGA", "download_hlsinf"}
"""Functions whose hardware does not exist any more: they may only raise."""


def test_the_inventory_is_whole():
    assert len(FUNCTIONS) == 239
    assert (len(INVENTORY["tensor"]["static"]), len(INVENTORY["tensor"]["instance"])) == (25, 89)


def parameters(function) -> list[list]:
    """Name, and default where there is one, of every parameter."""
    return [
        [p.name] if p.default is inspect.Parameter.empty else [p.name, p.default]
        for p in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_parameters_and_defaults(name):
    found = parameters(getattr(eddl, name))
    wanted = FUNCTIONS[name]
    if name == "import_net_from_onnx_file":
        assert wanted[-1] == ["log_level", "LOG_LEVEL.INFO"]
        wanted = [*wanted[:-1], ["log_level", eddl.LOG_LEVEL.INFO]]
    assert found == wanted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_and_no_stub(name):
    function = inspect.unwrap(getattr(eddl, name))
    assert len((function.__doc__ or "").split()) >= 3
    body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    rest = [node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    assert rest
    if name not in REPLACED:
        assert not isinstance(rest[0], ast.Raise | ast.Pass)


def test_the_log_levels():
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "NO_LOGS"):
        assert hasattr(eddl.LOG_LEVEL, level)


@pytest.mark.parametrize("name", INVENTORY["tensor"]["static"])
def test_a_static_function_of_tensor(name):
    assert callable(getattr(eddl.Tensor, name))


@pytest.mark.parametrize("name", INVENTORY["tensor"]["instance"])
def test_a_method_of_tensor(name):
    assert callable(getattr(eddl.Tensor, name))


INTERNAL: dict[str, list[str]] = json.loads((Path(__file__).parent / "internal.json").read_text(encoding="utf-8"))
"""Members that only the compiled library's own code calls: its passes, its memory, its unrolling."""

MEMBERS = [
    (kind, name)
    for kind, names in INVENTORY["core_classes"].items()
    if hasattr(core_classes, kind)
    for name in [*names["static"], *names["names"]]
    if name not in INTERNAL.get(kind, [])
]


@pytest.fixture(scope="module")
def examples():
    """One object of each class that programs hold."""
    x = eddl.Input([4])
    net = eddl.Model([x], [eddl.Dense(x, 2)])
    eddl.build(net, eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU(1))
    return {
        "Layer": net.layers[1],
        "Net": net,
        "NetLoss": eddl.newloss(lambda layers: eddl.Mult(layers[0], layers[0]), [net.layers[1]], "squares"),
        "Tensor": eddl.Tensor.ones([2, 3]),
        "Loss": eddl.getLoss("mse"),
        "Metric": eddl.getMetric("mse"),
        "CompServ": eddl.CS_CPU(1),
        "Initializer": eddl.GlorotNormal(eddl.Dense(x, 2)).init,
        "Regularizer": eddl.L2(eddl.Dense(x, 2), 0.1).reg,
        "Optimizer": eddl.sgd(0.1),
        "SGD": core_classes.SGD(0.1),
        "Adam": core_classes.Adam(0.1),
        "AdaDelta": core_classes.AdaDelta(0.1),
        "Adagrad": core_classes.Adagrad(0.1),
        "Adamax": core_classes.Adamax(0.1),
        "Nadam": core_classes.Nadam(0.1),
        "RMSProp": core_classes.RMSProp(0.1),
        "TensorDescriptor": core_classes.TensorDescriptor(0),
        "SelDescriptor": core_classes.SelDescriptor([":", "0"]),
        "GatherDescriptor": core_classes.GatherDescriptor([0]),
        "ExpandDescriptor": core_classes.ExpandDescriptor(2),
        "ReduceDescriptor2": core_classes.ReduceDescriptor2([0]),
    }


@pytest.mark.parametrize(("kind", "name"), MEMBERS, ids=lambda value: value)
def test_a_member_of_a_class(examples, kind, name):
    assert hasattr(examples[kind], name)


@pytest.mark.parametrize("name", INVENTORY["layer_classes"])
def test_a_layer_class(name):
    assert isinstance(getattr(core_api, name), type)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_compiled_modules_face_has_every_function(name):
    assert callable(getattr(core_api, name))
