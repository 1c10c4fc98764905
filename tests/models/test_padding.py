"""Padding to a multiple and cutting back."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deephealth.models.padding import Padded


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 8, 32]))
def test_identity_comes_back_and_network_sees_multiples(height, width, multiple):
    seen = []

    class Spy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.shape)
            return x

    x = torch.randn(1, 2, height, width)
    assert torch.equal(Padded(Spy(), multiple)(x), x)
    assert seen[0][-1] % multiple == seen[0][-2] % multiple == 0
    assert seen[0][-2] - height < multiple
