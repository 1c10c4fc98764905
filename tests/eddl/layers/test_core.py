"""Dense, dropout, embedding, and what wrong inputs say."""

import pytest
import torch
from torch.nn import functional as F

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.layers.core import Dense, Dropout, Input
from deephealth.eddl.layers.embedding import Embedding
from deephealth.eddl.strictness import strict_mode


def fill(layer):
    for slot, tensor in enumerate(layer.params):
        tensor.torch.normal_(generator=torch.Generator().manual_seed(slot))
    return layer


@pytest.mark.parametrize("shape", [[6], [3, 6], [2, 3, 6]])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_works_over_the_last_axis(shape, use_bias):
    layer = fill(Dense(Input(shape), 4, use_bias))
    parts = [tensor.torch for tensor in layer.params]
    assert [list(p.shape) for p in parts] == [[6, 4], [4]][: 1 + use_bias]
    x = torch.randn(5, *shape)
    wanted = F.linear(x, parts[0].T, parts[1] if use_bias else None)
    torch.testing.assert_close(layer.op(x), wanted)
    assert layer.shape == [*shape[:-1], 4]


def test_dropout_scales_nothing_in_training_and_everything_in_a_test():
    layer = Dropout(Input([1000]), 0.3)
    x = torch.full((20, 1000), 2.0, requires_grad=True)
    out = layer.op(x)
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    out.backward(torch.ones_like(out))
    torch.testing.assert_close(x.grad, (out != 0).float())
    layer.op.eval()
    torch.testing.assert_close(layer.op(x), 0.7 * x)
    plain = Dropout(Input([4]), 0.3, iw=False)
    plain.op.eval()
    torch.testing.assert_close(plain.op(torch.ones(2, 4)), torch.ones(2, 4))


@pytest.mark.parametrize(("rate", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_dropout_of_nothing_and_of_everything(rate, kept):
    out = Dropout(Input([50]), rate).op(torch.ones(4, 50))
    torch.testing.assert_close(out, torch.full((4, 50), kept))


def test_a_rate_that_is_no_probability():
    with pytest.raises(EddlValueError, match="0 to 1"):
        Dropout(Input([4]), 1.5)


def test_embedding_puts_rows_side_by_side():
    layer = fill(Embedding(Input([3]), 10, 3, 4))
    table = layer.params[0].torch
    x = torch.tensor([[1.0, 9.0, 2.9], [0.0, 0.0, 5.0]])
    wanted = torch.cat([table[[1, 9, 2]].reshape(1, 12), table[[0, 0, 5]].reshape(1, 12)])
    torch.testing.assert_close(layer.op(x), wanted)
    layer.op(x).sum().backward()
    assert layer.gradients[0].torch[:, 0].tolist() == [2, 1, 1, 0, 0, 1, 0, 0, 0, 1]


def test_embedding_of_single_indices_takes_a_batch_without_axes():
    layer = fill(Embedding(Input([1]), 10, 1, 4))
    table = layer.params[0].torch
    torch.testing.assert_close(layer.op(torch.tensor([3.0, 7.0])), table[[3, 7]])
    torch.testing.assert_close(layer.op(torch.tensor([[3.0], [7.0]])), table[[3, 7]])


def test_embedding_takes_indices_in_any_shape():
    layer = fill(Embedding(Input([2, 2]), 10, 4, 3))
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    torch.testing.assert_close(layer.op(x), layer.params[0].torch[1:5].reshape(1, 12))


def test_masked_zeros_give_zeros_and_learn_nothing():
    layer = fill(Embedding(Input([2]), 10, 2, 3, mask_zeros=True))
    out = layer.op(torch.tensor([[0.0, 4.0]]))
    torch.testing.assert_close(out[0, :3], torch.zeros(3))
    torch.testing.assert_close(out[0, 3:], layer.params[0].torch[4])
    out.sum().backward()
    assert layer.gradients[0].torch.abs().sum(1).nonzero().flatten().tolist() == [4]


def test_an_index_outside_the_vocabulary_counts_as_zero_and_is_said_once(recwarn):
    layer = fill(Embedding(Input([2]), 10, 2, 3))
    out = layer.op(torch.tensor([[10.0, -1.0]]))
    layer.op(torch.tensor([[10.0, -1.0]]))
    torch.testing.assert_close(out, layer.params[0].torch[[0, 0]].reshape(1, 6))
    assert [str(w.message) for w in recwarn] == ["Embedding: an index is outside the vocabulary of 10 and counts as 0"]
    with strict_mode():
        fill(Embedding(Input([2]), 10, 2, 3)).op(torch.tensor([[10.0, 1.0]]))
    assert len(recwarn) == 1


@pytest.mark.parametrize(("shape", "length"), [([4], 3), ([4, 4], 4), ([2], 1), ([], 2)])
def test_embedding_wants_as_many_indices_as_it_is_told(shape, length):
    with pytest.raises(EddlShapeError, match="indices per sample"):
        Embedding(Input(shape), 10, length, 4)
