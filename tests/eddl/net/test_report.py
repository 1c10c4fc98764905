"""What a net prints and draws."""

import shutil

import pytest

from deephealth import eddl
from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.net.report import EddlPlotWarning, describe


def net_of():
    reset_names()
    x = eddl.Input([1, 12, 12])
    body = eddl.MaxPool2D(eddl.ReLu(eddl.BatchNormalization(eddl.Conv2D(x, 4, [3, 3]), True)), [2, 2])
    return eddl.Model([x], [eddl.Softmax(eddl.Dense(eddl.Flatten(body), 4))])


def test_summary(capsys):
    net = net_of()
    eddl.summary(net)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["-" * 79, "model", "-" * 79]
    assert lines[4] == "conv2d1   |  (1, 12, 12)         =>   (4, 12, 12)         40        "
    assert lines[12:15] == ["Total params: 636", "Trainable params: 628", "Non-trainable params: 8"]


def test_frozen_layers_are_counted_apart():
    net = net_of()
    eddl.setTrainable(net, "dense1", False)
    assert "Trainable params: 48" in describe(net)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize(("name", "start"), [("net.pdf", b"%PDF"), ("net.png", b"\x89PNG"), ("net.svg", b"<?xml")])
def test_plot(tmp_path, name, start):
    eddl.plot(net_of(), str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_plot_without_graphviz_writes_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.warns(EddlPlotWarning, match="Graphviz is not installed"):
        eddl.plot(net_of(), str(tmp_path / "net.pdf"), "TB")
    source = (tmp_path / "net.pdf.dot").read_text()
    assert "rankdir=TB" in source
    assert "conv2d1" in source


def test_plot_refuses_what_it_cannot_draw(tmp_path):
    with pytest.raises(RuntimeError, match="LR, TB"):
        eddl.plot(net_of(), str(tmp_path / "x.pdf"), "diagonal")


def test_profile(capsys):
    eddl.show_profile()
    assert "nothing was profiled" in capsys.readouterr().out
    eddl.reset_profile()
    eddl.predict(net_of(), [eddl.Tensor.ones([2, 1, 12, 12])])
    eddl.show_profile()
    assert "aten::" in capsys.readouterr().out
