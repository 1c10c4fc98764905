"""What a recurrent net is run on, and what is refused."""

from __future__ import annotations

import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.net.sequence import arrange, copies, metric_steps, sums
from deephealth.eddl.strictness import strict_mode
from tests.eddl.recurrent.nets import captioner, encoder, onehot, translator


@pytest.mark.parametrize(("steps", "kind"), [(1, "last"), (7, "sync"), (3, "last:3")])
def test_the_targets_say_at_which_steps_an_encoder_puts_out(steps: int, kind: str) -> None:
    x, y = torch.randn(2, 7, 3), torch.randn(2, steps, 2)
    arranged = arrange(encoder(), [x], [y])
    assert (arranged.kind, arranged.steps) == (kind, steps)
    assert arranged.inputs[0] is x
    assert arranged.targets == [y]


def test_without_targets_an_encoder_puts_out_at_the_last_step() -> None:
    arranged = arrange(encoder(), [torch.randn(2, 7, 3)])
    assert (arranged.kind, arranged.targets, arranged.steps) == ("last", None, 1)


def test_tokens_are_the_targets_one_step_late() -> None:
    net, y = translator(), onehot(2, 3, classes=4)
    arranged = arrange(net, [torch.randn(2, 7, 3)], [y])
    assert (arranged.kind, arranged.steps, net.decsize) == ("seq2seq", 3, 3)
    tokens = arranged.inputs[1]
    assert tokens[:, 0].abs().sum() == 0
    torch.testing.assert_close(tokens[:, 1:], y[:, :-1])


def test_tokens_can_be_given() -> None:
    tokens = onehot(2, 3, classes=4)
    arranged = arrange(translator(), [torch.randn(2, 7, 3), tokens])
    assert (arranged.kind, arranged.steps) == ("seq2seq", 3)
    assert arranged.inputs[1] is tokens


def test_without_teacher_training_the_decoder_reads_its_outputs() -> None:
    net = translator()
    net.decoder_teacher_training = False
    arranged = arrange(net, [torch.randn(2, 7, 3)], [onehot(2, 3, classes=4)])
    assert arranged.kind == "free:3"
    assert len(arranged.inputs) == 1


def test_what_has_as_many_elements_is_reshaped() -> None:
    x = eddl.Input([1, 2, 3])
    net = eddl.Model([x], [eddl.LSTM(eddl.Flatten(x), 4)])
    arranged = arrange(net, [torch.randn(2, 7, 6)], [torch.randn(2, 1, 4)])
    assert arranged.inputs[0].shape == (2, 7, 1, 2, 3)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((2, 7), (2, 1, 2), r"Input tensor should be batch x timesteps x dims"),
        ((2, 7, 3), (2, 2), r"Output tensor should be batch x timesteps x dims"),
        ((2, 7, 4), (2, 1, 2), r"\[batch, timesteps, 3\]"),
        ((2, 7, 3), (2, 8, 2), r"(?s)8 time steps.*setDecoder"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, y, message) -> None:
    with pytest.raises(EddlShapeError, match=message) as caught:
        arrange(encoder(), [torch.zeros(x)], [torch.zeros(y)])
    assert "Net::prepare_recurrent" in str(caught.value)


def two_inputs():
    a, b = eddl.Input([2]), eddl.Input([2])
    layer = eddl.LSTM(eddl.Concat([a, b]), 4)
    return eddl.Model([a, b], [eddl.Dense(layer, 3), eddl.Dense(layer, 3)])


def test_time_steps_must_agree() -> None:
    x, y = torch.zeros(2, 7, 2), torch.zeros(2, 4, 3)
    with pytest.raises(EddlShapeError, match=r"Input tensors with different time steps: \[7, 6\]"):
        arrange(two_inputs(), [x, x[:, 1:]], [y, y])
    with pytest.raises(EddlShapeError, match=r"Output tensors with different time steps: \[4, 3\]"):
        arrange(two_inputs(), [x, x], [y, y[:, 1:]])


def test_the_number_of_tensors_must_fit() -> None:
    with pytest.raises(EddlShapeError, match="1 input tensors"):
        arrange(two_inputs(), [torch.zeros(2, 7, 2)])
    with pytest.raises(EddlShapeError, match="0 target tensors"):
        arrange(encoder(), [torch.zeros(2, 7, 3)], [])


def test_tokens_need_the_shape_of_the_output_they_repeat() -> None:
    picture, word = eddl.Input([6]), eddl.Input([4], "word")
    out = eddl.Dense(eddl.LSTM(eddl.Concat([word, picture]), 5), 9)
    eddl.setDecoder(word)
    with pytest.raises(EddlShapeError, match=r"decoder input word of shape \[4\]"):
        arrange(eddl.Model([picture], [out]), [torch.zeros(2, 6)], [torch.zeros(2, 3, 9)])


def test_strict_mode_mixes_several_sequences_as_the_original() -> None:
    a = torch.arange(3.0).reshape(1, 3, 1).expand(1, 3, 2)
    default = arrange(two_inputs(), [a, a + 10])
    assert [x[0, :, 0].tolist() for x in default.inputs] == [[0, 1, 2], [10, 11, 12]]
    with strict_mode():
        net = two_inputs()
    mixed = arrange(net, [a, a + 10])
    assert [x[0, :, 0].tolist() for x in mixed.inputs] == [[0, 2, 11], [1, 10, 12]]


def test_metrics_count_the_first_step_of_an_encoder_and_all_of_a_decoder() -> None:
    assert metric_steps(encoder(), 5) == 1
    assert metric_steps(captioner(), 5) == 5


def test_sums_are_per_output() -> None:
    values = [[torch.tensor(1.0), torch.tensor(10.0)], [torch.tensor(2.0), torch.tensor(20.0)]]
    assert [float(value) for value in sums(values)] == [3.0, 30.0]
    assert [float(value) for value in sums(values, strict=True)] == [11.0, 22.0]


def test_copies_are_as_many_as_the_steps_a_layer_runs_at() -> None:
    net = encoder(before=True)
    dense, head = net.layers[1], net.layers[-1]
    assert (copies(net, dense, 7, 3), copies(net, head, 7, 3)) == (7, 3)
    caption = captioner()
    assert [copies(caption, layer, 1, 5) for layer in (caption.layers[1], caption.layers[-1])] == [1, 5]
