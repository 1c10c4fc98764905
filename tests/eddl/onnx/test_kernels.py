"""Every kernel against the standard's own examples: the node tests that come with the onnx package."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx_ir")

from deephealth.eddl.onnx.attributes import attributes_of  # noqa: E402
from deephealth.eddl.onnx.kernels import KERNELS  # noqa: E402
from deephealth.eddl.onnx.layer import call_kernel  # noqa: E402
from deephealth.eddl.onnx.opsets import modernise  # noqa: E402

# what a net has no use for: randomness, training, sequences, strings, quantisation, caches
LEFT_OUT = (
    "training", "_mask", "bernoulli", "sequence_lens", "peephole", "argmax_pool", "with_argmax", "maxpool_with",
    "string", "float8", "FLOAT8", "e4m3", "e5m2", "e8m0", "int4", "INT4", "int2", "INT2", "float4", "FLOAT4",
    "attention_", "_expanded", "swish_", "uint64", "uint32", "uint16", "_bfloat16", "BFLOAT16",
    "nonmaxsuppression", "shape_clip",
    "resize_tf_crop_and_resize_axes_", "softmax_output", "_cubic_antialias", "_linear_antialias", "compress_default",
    "cast_no_saturate", "gru_batchwise_x", "qlinear", "clip_min_greater", "FLOAT16", "optional", "mod_mixed_sign_f",
    "affine_grid_3d", "gridsample_volumetric", "tfidf", "size_axis", "empty_set", "bitwise_not_3d",
    "scales_linear_align_corners", "scales_cubic_align_corners",
)  # fmt: skip


@functools.cache
def cases():
    """The examples that kernels should pass, by name."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    return {case.name: case for case in found if _is_ours(case)}


def _is_ours(case):
    nodes = case.model.graph.node
    if any(word in case.name for word in LEFT_OUT) or len(nodes) != 1 or nodes[0].domain:
        return False
    plain = all(isinstance(each, np.ndarray | np.generic) for pair in case.data_sets[0] for each in pair)
    return plain and nodes[0].op_type in KERNELS


def test_the_examples_are_there():
    assert len(cases()) > 500
    assert len({case.model.graph.node[0].op_type for case in cases().values()}) > 110


@pytest.mark.parametrize("chunk", range(4))
def test_kernels_give_what_the_standard_says(chunk):
    wrong = [f"{name}: {found}" for name in list(cases())[chunk::4] if (found := difference(cases()[name]))]
    assert not wrong, "\n".join(wrong)


def difference(case):
    """Return what is wrong with a kernel's result, or ``None``."""
    import onnx_ir as ir

    model = ir.from_proto(case.model)
    (node,) = list(model.graph)
    arrays, wanted = case.data_sets[0]
    given = {value.name: _tensor(array) for value, array in zip(model.graph.inputs, arrays, strict=True)}
    inputs = [None if value is None or not value.name else given[value.name] for value in node.inputs]
    version = model.graph.opset_imports[""]
    attributes, inputs = modernise(node.op_type, version, attributes_of(node), inputs, lambda tensor: tensor)
    if node.op_type == "Split" and len(inputs) == 1:
        attributes.setdefault("num_outputs", len(node.outputs))
    try:
        got = call_kernel(KERNELS[node.op_type], attributes, inputs)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    got = got if isinstance(got, tuple) else (got,)
    names = [value.name for value in node.outputs]
    rows = zip(model.graph.outputs, wanted, strict=True)
    pairs = [(got[names.index(value.name)], want) for value, want in rows if names.index(value.name) < len(got)]
    return next((found for have, want in pairs if (found := _unlike(have, np.asarray(want)))), None)


def _tensor(array):
    array = np.asarray(array)
    return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float16 else array.copy())


def _unlike(have, want):
    if tuple(have.shape) != want.shape:
        return f"shape {tuple(have.shape)} instead of {want.shape}"
    if not np.allclose(have.double().numpy(), want.astype(np.float64), 1e-3, 1e-5, equal_nan=True):
        return f"differs by {np.abs(have.double().numpy() - want.astype(np.float64)).max():.2g}"
    return None
