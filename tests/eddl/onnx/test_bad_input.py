"""Files that are broken, hostile or not for us: typed errors that say what is wrong."""

from __future__ import annotations

import contextlib
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx_ir")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from deephealth import eddl  # noqa: E402
from deephealth.eddl.onnx.importing import import_net_from_onnx_file, import_net_from_onnx_string  # noqa: E402


def model(nodes, weights=(), shape=("batch", 4), out=("batch", 4), opset=13, inputs=("x",)):
    """A small model over float inputs."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs]
    graph = helper.make_graph(nodes, "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _external(folder, location, length=64, offset=0):
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        weight.external_data.add(key=key, value=value)
    path = folder / "net.onnx"
    path.write_bytes(model([helper.make_node("MatMul", ["x", "w"], ["y"], "dense")], [weight]).SerializeToString())
    return path


GOOD = model([helper.make_node("Relu", ["x"], ["y"], "relu")]).SerializeToString()


def test_a_missing_file_is_a_runtime_error():
    with pytest.raises(RuntimeError, match="no file"):
        import_net_from_onnx_file("nowhere.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", GOOD[:40], GOOD[: len(GOOD) // 2], b"\x00" * 64])
def test_what_is_not_a_whole_model_is_refused(content):
    with pytest.raises(eddl.EddlOnnxError, match="not a whole ONNX model"):
        import_net_from_onnx_string(content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_an_error_or_a_net_but_never_something_else(place, byte):
    content = bytearray(GOOD)
    content[place] = byte
    with contextlib.suppress(eddl.EddlError):
        assert import_net_from_onnx_string(bytes(content)).layers


def test_weights_beside_the_model_are_read(tmp_path):
    (tmp_path / "w.bin").write_bytes(np.arange(16, dtype=np.float32).tobytes())
    net = import_net_from_onnx_file(str(_external(tmp_path, "w.bin")))
    assert net.layers[1].params[0].getdata().ravel().tolist() == list(range(16))


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname", "sub/../../w.bin", ""])
def test_weights_outside_the_folder_are_refused(tmp_path, location):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(64))
    with pytest.raises(eddl.EddlOnnxError, match="outside its folder"):
        import_net_from_onnx_file(str(_external(inner, location)))


def test_links_are_refused(tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    inner = tmp_path / "inner"
    inner.mkdir()
    os.symlink(tmp_path / "secret.bin", inner / "w.bin")
    os.symlink(tmp_path, inner / "linked")
    for location in ("w.bin", "linked/secret.bin"):
        with pytest.raises(eddl.EddlOnnxError, match="outside its folder"):
            import_net_from_onnx_file(str(_external(inner, location)))


@pytest.mark.parametrize(("length", "offset"), [(65, 0), (64, 1), (64, -1)])
def test_sizes_of_outside_weights_are_checked(tmp_path, length, offset):
    (tmp_path / "w.bin").write_bytes(bytes(64))
    with pytest.raises(eddl.EddlOnnxError, match="too short"):
        import_net_from_onnx_file(str(_external(tmp_path, "w.bin", length, offset)))
    with pytest.raises(eddl.EddlOnnxError, match="missing"):
        import_net_from_onnx_file(str(_external(tmp_path, "other.bin")))


def test_bytes_may_not_point_to_files(tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(64))
    with pytest.raises(eddl.EddlOnnxError, match="another file"):
        import_net_from_onnx_string(_external(tmp_path, "w.bin").read_bytes())


def test_all_unknown_operators_are_listed_at_once():
    names = {"Frobnicate": ("x", "a"), "Loop": ("a", "b"), "Zap": ("b", "y")}
    nodes = [helper.make_node(op, [source], [target]) for op, (source, target) in names.items()]
    with pytest.raises(eddl.EddlOnnxError, match="Frobnicate, Loop, Zap"):
        import_net_from_onnx_string(model(nodes).SerializeToString())


def test_attributes_that_would_be_ignored_are_refused():
    node = helper.make_node("Relu", ["x"], ["y"], "relu", slope=2.0)
    with pytest.raises(eddl.EddlOnnxError, match="slope"):
        import_net_from_onnx_string(model([node]).SerializeToString())


def test_shapes_that_do_not_fit_name_the_node():
    weight = numpy_helper.from_array(np.zeros((5, 4), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "wrong_one")
    with pytest.raises(eddl.EddlOnnxError, match="wrong_one"):
        import_net_from_onnx_string(model([node], [weight]).SerializeToString())


def test_an_open_shape_asks_for_input_shape(tmp_path):
    path = tmp_path / "open.onnx"
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    path.write_bytes(model([node], shape=("batch", 3, "h", "w"), out=("batch", 3, "h", "w")).SerializeToString())
    with pytest.raises(eddl.EddlOnnxError, match="input_shape"):
        import_net_from_onnx_file(str(path))
    assert import_net_from_onnx_file(str(path), [3, 5, 7]).layers[1].shape == [3, 5, 7]


def test_input_shape_is_for_one_input(tmp_path):
    path = tmp_path / "two.onnx"
    node = helper.make_node("Add", ["x", "z"], ["y"], "add")
    path.write_bytes(model([node], inputs=("x", "z")).SerializeToString())
    classes = [type(layer).__name__ for layer in import_net_from_onnx_file(str(path)).layers]
    assert classes == ["LInput", "LInput", "LAdd"]
    with pytest.raises(eddl.EddlOnnxError, match="one input"):
        import_net_from_onnx_file(str(path), [4])


def test_old_opsets_and_odd_memory_levels_are_refused():
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    with pytest.raises(eddl.EddlOnnxError, match="opset"):
        import_net_from_onnx_string(model([node], opset=6).SerializeToString())
    with pytest.raises(eddl.EddlOnnxError, match="mem"):
        import_net_from_onnx_string(GOOD, 3)


def test_log_levels_decide_what_is_said(tmp_path, caplog):
    path = tmp_path / "net.onnx"
    path.write_bytes(GOOD)
    with caplog.at_level(0):
        import_net_from_onnx_file(str(path), None, 0, eddl.LOG_LEVEL.ERROR)
        assert not [record for record in caplog.records if record.name.startswith("deephealth")]
        import_net_from_onnx_file(str(path), log_level=eddl.LOG_LEVEL.DEBUG)
    assert any("relu" in record.getMessage() for record in caplog.records)
