"""A recurrent net runs over whole sequences as the original's copies per step did."""

from __future__ import annotations

import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.net.sequence import arrange, sequence_module, tail_of
from deephealth.eddl.strictness import strict_mode
from tests.eddl.recurrent.nets import captioner, encoder, onehot, ops, random, translator

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.parametrize("make", [eddl.LSTM, eddl.GRU, eddl.RNN])
def test_the_kinds_of_an_encoder_agree(make) -> None:
    net, x = encoder(make, before=True), torch.randn(4, 7, 3)
    every = sequence_module(net, "sync")(x)
    assert every.shape == (4, 7, 2)
    torch.testing.assert_close(sequence_module(net, "last")(x), every[:, -1:], **CLOSE)
    torch.testing.assert_close(sequence_module(net, "last:3")(x), every[:, -3:], **CLOSE)


def test_an_encoder_is_its_ops_one_after_the_other() -> None:
    net, x = encoder(before=True), torch.randn(4, 7, 3)
    dense, tanh, lstm, head = ops(net)
    wanted = head(lstm(tanh(dense(x)).transpose(0, 1))[0][-1])
    torch.testing.assert_close(sequence_module(net, "last")(x)[:, 0], wanted, **CLOSE)


def test_stacked_layers_feed_each_step() -> None:
    x = eddl.Input([3])
    net = random(eddl.Model([x], [eddl.GRU(eddl.LSTM(x, 5), 4)]))
    data = torch.randn(2, 6, 3)
    lstm, gru = ops(net)
    wanted = gru(lstm(data.transpose(0, 1))[0])[0]
    torch.testing.assert_close(sequence_module(net, "sync")(data), wanted.transpose(0, 1))


def test_the_last_step_of_a_bidirectional_layer_has_read_everything_both_ways() -> None:
    x = eddl.Input([3])
    net = random(eddl.Model([x], [eddl.LSTM(x, 4, bidirectional=True)]))
    data = torch.randn(2, 6, 3)
    (lstm,) = ops(net)
    outputs = lstm(data.transpose(0, 1))[0]
    got = sequence_module(net, "last")(data)[:, 0]
    torch.testing.assert_close(got, torch.cat((outputs[-1, :, :4], outputs[0, :, 4:]), dim=1))


def test_batch_statistics_are_those_of_a_step() -> None:
    x = eddl.Input([3])
    norm = eddl.BatchNormalization(x, True, 0.9)
    net = random(eddl.Model([x], [eddl.LSTM(norm, 4)]))
    data = torch.randn(8, 5, 3) + torch.arange(5.0).reshape(1, 5, 1)
    module = sequence_module(net, "last", capture=True).train()
    _, values = module(data)
    seen = values[net.layers.index(norm)].detach()
    gamma, beta = (param.torch for param in norm.params[:2])
    steps = data.transpose(0, 1)
    wanted = (steps - steps.mean(1, keepdim=True)) / (steps.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(seen, wanted * gamma + beta, **CLOSE)
    module.eval()
    again = module(data)[1][net.layers.index(norm)]
    assert not torch.allclose(again, seen, atol=1e-2), "test mode uses the running statistics"


# ---------------------------------------------------------------------- decoders


def decode(net, state_of_encoder, tokens):
    """Dense and softmax over the decoder's steps."""
    decoder, dense, softmax = ops(net)[-3:]
    outputs = decoder(tokens.transpose(0, 1), *state_of_encoder)[0]
    return torch.stack([softmax(dense(step)) for step in outputs], dim=1)


@pytest.mark.parametrize("make", [eddl.LSTM, eddl.GRU])
def test_a_decoder_starts_from_the_encoders_states_and_reads_the_targets_one_step_late(make) -> None:
    net, x, y = translator(make), torch.randn(3, 5, 3), onehot(3, 6, classes=4)
    arranged = arrange(net, [x], [y])
    got = sequence_module(net, arranged.kind)(*arranged.inputs)
    encoder_op = ops(net)[0]
    tokens = torch.cat((torch.zeros(3, 1, 4), y[:, :-1]), dim=1)
    torch.testing.assert_close(got, decode(net, encoder_op(x.transpose(0, 1))[1:], tokens), **CLOSE)


def test_a_decoder_that_names_no_states_starts_from_the_encoders() -> None:
    x, word = eddl.Input([3]), eddl.Input([4])
    summary = eddl.RNN(x, 5)
    out = eddl.Softmax(eddl.Dense(eddl.RNN(eddl.Concat([word, summary]), 5), 4))
    eddl.setDecoder(word)
    net = random(eddl.Model([x], [out]))
    data, y = torch.randn(3, 5, 3), onehot(3, 6, classes=4)
    arranged = arrange(net, [data], [y])
    assert arranged.kind == "seq2seq"
    got = sequence_module(net, arranged.kind)(*arranged.inputs)
    state = ops(net)[0](data.transpose(0, 1))[1]
    tokens = torch.cat((torch.zeros(3, 1, 4), y[:, :-1]), dim=1)
    both = torch.cat((tokens, state.unsqueeze(1).expand(3, 6, 5)), dim=2)
    torch.testing.assert_close(got, decode(net, [state], both), **CLOSE)


def stacked_translator():
    x, word = eddl.Input([3]), eddl.Input([4])
    low = eddl.LSTM(x, 5)
    high = eddl.LSTM(low, 5)
    first = eddl.LSTM([word, eddl.GetStates(low)], 5)
    out = eddl.Softmax(eddl.Dense(eddl.LSTM([first, eddl.GetStates(high)], 5), 4))
    eddl.setDecoder(word)
    return random(eddl.Model([x], [out]))


def test_each_layer_of_a_stacked_decoder_starts_from_the_states_it_names() -> None:
    data, y = torch.randn(3, 5, 3), onehot(3, 6, classes=4)
    tokens = torch.cat((torch.zeros(3, 1, 4), y[:, :-1]), dim=1)

    def run(strict: bool) -> tuple[torch.Tensor, torch.Tensor]:
        with strict_mode(strict):
            net = stacked_translator()
            arranged = arrange(net, [data], [y])
            got = sequence_module(net, arranged.kind)(*arranged.inputs)
        low, high, first, _ = [layer.op for layer in net.layers if layer.isrecurrent]
        steps, *low_states = low(data.transpose(0, 1))
        high_states = high(steps)[1:]
        step = first(tokens.transpose(0, 1), *low_states)[0]
        return got, decode(net, () if strict else high_states, step.transpose(0, 1))

    for strict in (False, True):  # the original started only the first of them from the encoder
        got, wanted = run(strict)
        torch.testing.assert_close(got, wanted, **CLOSE)


def test_a_picture_is_seen_at_every_step_of_its_caption() -> None:
    net, picture, y = captioner(), torch.randn(3, 6), onehot(3, 5, classes=4)
    arranged = arrange(net, [picture], [y])
    assert (arranged.kind, arranged.steps) == ("vec2seq", 5)
    got = sequence_module(net, arranged.kind)(*arranged.inputs)
    dense, relu = ops(net)[:2]
    seen = relu(dense(picture)).unsqueeze(1).expand(3, 5, 3)
    tokens = torch.cat((torch.zeros(3, 1, 4), y[:, :-1]), dim=1)
    torch.testing.assert_close(got, decode(net, (), torch.cat((tokens, seen), dim=2)), **CLOSE)


@pytest.mark.parametrize("make", [translator, captioner])
def test_a_decoder_without_targets_reads_its_own_outputs(make) -> None:
    net = make()
    x = torch.randn(3, 5, 3) if make is translator else torch.randn(3, 6)
    net.decsize = 4
    arranged = arrange(net, [x])
    assert (arranged.kind, arranged.steps, len(arranged.inputs)) == ("free:4", 4, 1)
    free = sequence_module(net, arranged.kind)(*arranged.inputs)
    assert free.shape == (3, 4, 4)
    forced = arrange(net, [x], [free.detach()])
    torch.testing.assert_close(sequence_module(net, forced.kind)(*forced.inputs), free, **CLOSE)


def test_an_encoders_output_reaches_the_decoder_as_its_last_step() -> None:
    x, word = eddl.Input([3]), eddl.Input([4])
    summary = eddl.Tanh(eddl.Dense(eddl.GRU(x, 6), 2))
    out = eddl.Softmax(eddl.Dense(eddl.LSTM(eddl.Concat([word, summary]), 5), 4))
    eddl.setDecoder(word)
    net = random(eddl.Model([x], [out]))
    data, y = torch.randn(3, 5, 3), onehot(3, 6, classes=4)
    arranged = arrange(net, [data], [y])
    got = sequence_module(net, arranged.kind)(*arranged.inputs)
    gru, dense, tanh = ops(net)[:3]
    seen = tanh(dense(gru(data.transpose(0, 1))[0][-1])).unsqueeze(1).expand(3, 6, 2)
    tokens = torch.cat((torch.zeros(3, 1, 4), y[:, :-1]), dim=1)
    torch.testing.assert_close(got, decode(net, (), torch.cat((tokens, seen), dim=2)), **CLOSE)


def test_a_layer_can_start_from_states_that_are_an_input() -> None:
    x, start = eddl.Input([3]), eddl.States([2, 4])
    net = random(eddl.Model([x, start], [eddl.LSTM([x, start], 4)]))
    data, states = torch.randn(2, 5, 3), torch.randn(2, 2, 4)
    arranged = arrange(net, [data, states])
    (lstm,) = ops(net)
    wanted = lstm(data.transpose(0, 1), states[:, 0], states[:, 1])[0][-1]
    torch.testing.assert_close(sequence_module(net, arranged.kind)(*arranged.inputs)[:, 0], wanted)


# ---------------------------------------------------------------------- capturing


@pytest.mark.parametrize(
    ("make", "kind", "shapes"),
    [
        (encoder, "last", [(5, 2, 3), (5, 2, 4), (2, 1, 2)]),
        (encoder, "sync", [(5, 2, 3), (5, 2, 4), (2, 5, 2)]),
    ],
)
def test_capturing_gives_every_layers_value_on_the_tape(make, kind, shapes) -> None:
    net, x = make(), torch.randn(2, 5, 3)
    outs, values = sequence_module(net, kind, capture=True)(x.requires_grad_())
    assert [tuple(value.shape) for value in values] == shapes
    torch.testing.assert_close(outs[0], sequence_module(net, kind)(x))
    for value in values:
        value.retain_grad()
    outs[0].sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in values)


def test_capturing_a_decoder_gives_the_values_of_all_layers() -> None:
    net, x, y = translator(), torch.randn(2, 5, 3), onehot(2, 6, classes=4)
    arranged = arrange(net, [x], [y])
    _, values = sequence_module(net, arranged.kind, capture=True)(*arranged.inputs)
    shapes = {layer.name: tuple(value.shape[:2]) for layer, value in zip(net.layers, values, strict=True)}
    assert shapes.pop("getstates") == (2, 5)
    assert sorted(shapes.values()) == [(2, 6)] + [(5, 2)] * 2 + [(6, 2)] * 3


# ---------------------------------------------------------------------- the module


def test_modules_share_parameters_and_names_with_the_layers() -> None:
    net = encoder()
    module = sequence_module(net, "last")
    lstm = next(layer for layer in net.layers if layer.isrecurrent)
    assert dict(module.named_parameters())[f"{lstm.name}.weight_ih"] is lstm.op.weight_ih
    assert {id(p) for p in module.parameters()} == {id(p) for p in sequence_module(net, "sync").parameters()}


@pytest.mark.parametrize("kind", ["first", "last:0", "last:x", "free:"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(EddlValueError, match="last, last:<n>, sync"):
        tail_of(kind) if kind != "free:" else sequence_module(translator(), kind)


def test_an_input_that_is_nobodys_is_refused() -> None:
    x, other = eddl.Input([3]), eddl.Input([4], "forgotten")
    net = eddl.Model([x], [eddl.Dense(eddl.Concat([eddl.LSTM(x, 4), other]), 2)])
    with pytest.raises(EddlError, match="forgotten"):
        sequence_module(net, "last")
