"""Changes of intensity that look at one voxel at a time: a chain runs neighbouring ones in one pass over the data.

The random ones are drawn for each sample (``probability``) and for each of its channels (``channel_probability``);
``same_for_channels`` gives all channels of a sample the same amount. Amounts about 1 are drawn as nnU-Net draws them:
from below 1 half of the time, else from above; ``balanced=False`` draws uniformly.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels import intensity_steps as steps
from deephealth.kernels.intensity import Programs, intensity_chain
from deephealth.transforms.volume.base import Batch, Draws, Params, VolumeTransform

__all__ = [
    "BiasField",
    "BrightnessAdditive",
    "BrightnessMultiplicative",
    "Contrast",
    "Gamma",
    "GaussianNoise",
    "NormalizeIntensity",
    "Pointwise",
    "RandomPointwise",
    "ScaleIntensityRange",
    "checked_range",
    "drawn_about_one",
]

Range = tuple[float, float]


class Pointwise(VolumeTransform):
    """A transform whose parameters are lists of steps: ``{"steps": {key: one list per channel}}``."""

    looks_at_values = False  # draw() needs the shapes alone, so that the chain may put the work off

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with the steps done; see :meth:`VolumeTransform.apply`."""
        found = dict(batch)
        for key in self.image_keys:
            if key in batch:
                found[key] = intensity_chain(batch[key], programs(params, key, batch[key].shape[1]))
        return found


def programs(params: Sequence[Params | None], key: str, channels: int) -> Programs:
    """Return the steps of each sample and channel for one entry of the batch."""
    nothing: list[list[steps.Step]] = [[]] * channels
    return [nothing if one is None else one["steps"].get(key, nothing) for one in params]


class RandomPointwise(Pointwise):
    """A random change of intensity.

    Args:
        probability: of changing a sample.
        channel_probability: of changing a channel of a sample that is changed.
        same_for_channels: whether all channels get the same amount.
        image_keys: the entries that change.
    """

    def __init__(
        self,
        *,
        probability: float = 1.0,
        channel_probability: float = 1.0,
        same_for_channels: bool = False,
        image_keys: Sequence[str] = ("image",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=())
        self.probability = checked_probability("probability", probability)
        self.channel_probability = checked_probability("channel_probability", channel_probability)
        self.same_for_channels = same_for_channels

    @abstractmethod
    def amount(self, draws: Draws) -> float:
        """Draw how much."""

    @abstractmethod
    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return what is done to one channel; what differs between channels in any case is drawn here."""

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Draw the steps of each channel; see :meth:`VolumeTransform.draw`."""
        if not draws.happens(self.probability):
            return None
        shared = self.amount(draws) if self.same_for_channels else None
        found: dict[str, list[list[steps.Step]]] = {}
        for key in self.image_keys:
            if key in sample:
                found[key] = [self._channel(draws, shared) for _ in range(sample[key].shape[0])]
        return {"steps": found}

    def _channel(self, draws: Draws, shared: float | None) -> list[steps.Step]:
        if not draws.happens(self.channel_probability):
            return []
        return [self.step(self.amount(draws) if shared is None else shared, draws)]


class GaussianNoise(RandomPointwise):
    """Add normal noise, another field for each channel.

    Args:
        deviation: range of the noise's standard deviation, in the image's unit.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> image = torch.zeros(1, 1, 8, 8, 8)
        >>> noise = GaussianNoise(deviation=(1.0, 1.0))
        >>> found = noise.apply({"image": image}, [noise.draw(Draws(0, "0"), {"image": image[0]})])
        >>> abs(float(found["image"].std()) - 1) < 0.1
        True
    """

    def __init__(self, deviation: Range = (0.0, 0.1), **common: Any) -> None:
        super().__init__(**common)
        self.deviation = checked_range("deviation", deviation, least=0.0)

    def amount(self, draws: Draws) -> float:
        """Draw the standard deviation."""
        return draws.uniform(*self.deviation)

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return noise with a key of its own."""
        return steps.Noise(amount, draws.key())


class BrightnessMultiplicative(RandomPointwise):
    """Multiply by a factor.

    Args:
        factor: its range.
        balanced: below and above 1 equally often.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([BrightnessMultiplicative((2.0, 2.0))])(batch, seeds=[0])["image"].flatten()
        tensor([2., 6.])
    """

    def __init__(self, factor: Range = (0.75, 1.25), *, balanced: bool = True, **common: Any) -> None:
        super().__init__(**common)
        self.factor, self.balanced = checked_range("factor", factor), balanced

    def amount(self, draws: Draws) -> float:
        """Draw the factor."""
        return drawn_about_one(draws, self.factor, self.balanced)

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return the multiplication."""
        return steps.Linear(amount, 0.0)


class BrightnessAdditive(RandomPointwise):
    """Add a normal number to all voxels.

    Args:
        mean: of the number.
        deviation: its standard deviation.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([BrightnessAdditive(2.0, 0.0)])(batch, seeds=[0])["image"].flatten()
        tensor([3., 5.])
    """

    def __init__(self, mean: float = 0.0, deviation: float = 0.1, **common: Any) -> None:
        super().__init__(**common)
        self.mean, self.deviation = mean, checked_range("deviation", (deviation, deviation), least=0.0)[0]

    def amount(self, draws: Draws) -> float:
        """Draw the number."""
        return draws.normal(self.mean, self.deviation)

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return the addition."""
        return steps.Linear(1.0, amount)


class Contrast(RandomPointwise):
    """Stretch the values of a channel about their mean.

    Args:
        factor: range of the stretch.
        preserve_range: hold the values in the range that they had.
        balanced: below and above 1 equally often.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([Contrast((2.0, 2.0), preserve_range=False)])(batch, seeds=[0])["image"].flatten()
        tensor([0., 4.])
    """

    def __init__(
        self, factor: Range = (0.75, 1.25), *, preserve_range: bool = True, balanced: bool = True, **common: Any
    ) -> None:
        super().__init__(**common)
        self.factor, self.preserve_range = checked_range("factor", factor, least=0.0), preserve_range
        self.balanced = balanced

    def amount(self, draws: Draws) -> float:
        """Draw the factor."""
        return drawn_about_one(draws, self.factor, self.balanced)

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return the stretch."""
        return steps.Contrast(amount, self.preserve_range)


class Gamma(RandomPointwise):
    """Take the values, mapped to 0..1, to a power.

    Args:
        gamma: range of the exponent.
        invert_probability: of doing it to the negative image.
        retain_stats: restore the mean and the standard deviation.
        balanced: below and above 1 equally often.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([0.0, 1.0, 2.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([Gamma((2.0, 2.0), retain_stats=False)])(batch, seeds=[0])["image"].flatten()
        tensor([0.0000, 0.5000, 2.0000])
    """

    def __init__(
        self,
        gamma: Range = (0.7, 1.5),
        *,
        invert_probability: float = 0.0,
        retain_stats: bool = True,
        balanced: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.gamma, self.balanced = checked_range("gamma", gamma, least=1e-3), balanced
        self.invert_probability = checked_probability("invert_probability", invert_probability)
        self.retain_stats = retain_stats

    def amount(self, draws: Draws) -> float:
        """Draw the exponent."""
        return drawn_about_one(draws, self.gamma, self.balanced)

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Return the power."""
        return steps.Gamma(amount, draws.happens(self.invert_probability), self.retain_stats)


class BiasField(RandomPointwise):
    """Multiply by a smooth field, as the coil of an MR scanner does: e to a polynomial of Legendre's.

    Args:
        coefficient: range of each coefficient.
        degree: of the polynomial, all axes together.
        **common: those of :class:`RandomPointwise`.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([BiasField((0.0, 0.0))])(batch, seeds=[0])["image"].flatten()
        tensor([1., 3.])
    """

    def __init__(self, coefficient: Range = (0.0, 0.1), *, degree: int = 3, **common: Any) -> None:
        super().__init__(**common)
        if degree < 1:
            raise ConfigError([f"degree: {degree}, and the field needs 1 at least"], source="BiasField")
        self.coefficient, self.degree = checked_range("coefficient", coefficient), degree

    def amount(self, draws: Draws) -> float:
        """Return nothing: each channel has a field of its own."""
        return 0.0

    def step(self, amount: float, draws: Draws) -> steps.Step:
        """Draw a field."""
        size = self.degree + 1
        low, high = self.coefficient
        found = low + (high - low) * draws.uniforms(size, size, size)
        for place in range(size**3):
            i, j, k = place // size**2, place // size % size, place % size
            if i + j + k > self.degree:
                found[i, j, k] = 0.0
        return steps.Bias(found)


class ScaleIntensityRange(Pointwise):
    """Map one range of intensities to another, and hold the values in it if ``clip``.

    Args:
        a_min: what becomes ``b_min``.
        a_max: what becomes ``b_max``.
        b_min: lower end of the result.
        b_max: upper end of the result.
        clip: hold the result between them.
        image_keys: the entries that change.

    Example:
        >>> window = ScaleIntensityRange(-160, 240, 0.0, 1.0, clip=True)
        >>> image = torch.tensor([-1000.0, -160, 40, 240]).view(1, 1, 1, 1, 4)
        >>> window.apply({"image": image}, [window.draw(Draws(0, "0"), {"image": image[0]})])["image"].flatten()
        tensor([0.0000, 0.0000, 0.5000, 1.0000])
    """

    def __init__(
        self,
        a_min: float,
        a_max: float,
        b_min: float = 0.0,
        b_max: float = 1.0,
        *,
        clip: bool = False,
        image_keys: Sequence[str] = ("image",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=())
        if not (a_min < a_max and b_min <= b_max):
            raise ConfigError(
                [f"a: {a_min} to {a_max}, b: {b_min} to {b_max}; the lower end comes first"], source="range"
            )
        scale = (b_max - b_min) / (a_max - a_min)
        self.steps: list[steps.Step] = [steps.Linear(scale, b_min, a_min)]
        if clip:
            self.steps.append(steps.Clamp(b_min, b_max))

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the same steps for every channel."""
        return {"steps": {key: [self.steps] * sample[key].shape[0] for key in self.image_keys if key in sample}}


class NormalizeIntensity(Pointwise):
    """Subtract the mean of each channel and divide by its standard deviation.

    Args:
        nonzero: take them from the values other than 0, and change those alone.
        subtrahend: subtracted instead of the mean: one number per channel.
        divisor: divided by instead of the standard deviation: one number per channel.
        image_keys: the entries that change.

    Raises:
        ConfigError: just one of subtrahend and divisor is given, they differ in length, or a divisor is 0.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([0.0, 1.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([NormalizeIntensity(nonzero=True)])(batch, seeds=[0])["image"].flatten()
        tensor([ 0., -1.,  1.])
    """

    def __init__(
        self,
        *,
        nonzero: bool = False,
        subtrahend: Sequence[float] | None = None,
        divisor: Sequence[float] | None = None,
        image_keys: Sequence[str] = ("image",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=())
        given = [one for one in (subtrahend, divisor) if one is not None]
        if len(given) == 1 or (given and len(given[0]) != len(given[1])) or (divisor is not None and 0 in divisor):
            raise ConfigError(
                [f"subtrahend {subtrahend} and divisor {divisor}: both, one number per channel, no divisor of 0"],
                source="NormalizeIntensity",
            )
        if given and nonzero:
            raise ConfigError(["nonzero: not together with subtrahend and divisor"], source="NormalizeIntensity")
        self.nonzero, self.subtrahend, self.divisor = nonzero, subtrahend, divisor

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the step of each channel."""
        return {"steps": {key: self._channels(sample[key].shape[0]) for key in self.image_keys if key in sample}}

    def _channels(self, count: int) -> list[list[steps.Step]]:
        if self.subtrahend is None or self.divisor is None:
            return [[steps.Standardize(self.nonzero)]] * count
        if len(self.subtrahend) != count:
            raise DataError(
                f"the image has {count} channels, and NormalizeIntensity has numbers for {len(self.subtrahend)}",
                allowed="one subtrahend and one divisor per channel",
            )
        pairs = zip(self.subtrahend, self.divisor, strict=True)
        return [[steps.Linear(1 / divisor, 0.0, subtrahend)] for subtrahend, divisor in pairs]


def drawn_about_one(draws: Draws, range_: Range, balanced: bool) -> float:
    """Draw from a range: with ``balanced`` from below 1 half of the time, if it reaches below 1, else from above."""
    low, high = range_
    if not balanced:
        return draws.uniform(low, high)
    if draws.happens(0.5) and low < 1:
        return draws.uniform(low, min(1.0, high))
    return draws.uniform(min(max(low, 1.0), high), high)


def checked_range(name: str, given: Range, *, least: float = float("-inf")) -> Range:
    """Return a range whose ends are finite, in order and not below ``least``."""
    low, high = (float(end) for end in given)
    if not (least <= low <= high < float("inf")) or low == float("-inf"):
        raise ConfigError([f"{name}: {low} to {high}; finite, the lower end first, {least:g} at least"], source=name)
    return low, high


def checked_probability(name: str, given: float) -> float:
    """Return a number from 0 to 1."""
    if not 0 <= given <= 1:
        raise ConfigError([f"{name}: {given}; a probability is 0 to 1"], source="the transform")
    return float(given)
