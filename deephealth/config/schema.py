"""The schema of a run's configuration; every key of a YAML file, its type, its limits and its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CheckpointConfig",
    "Component",
    "Config",
    "DataConfig",
    "EarlyStoppingConfig",
    "EvaluateConfig",
    "ModelConfig",
    "RunConfig",
    "SplitConfig",
    "TrainerConfig",
]

Fraction = Annotated[float, Field(gt=0, lt=1)]
Size = Annotated[int, Field(ge=8, le=8192)]
Count = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """Base of every section: unknown keys are mistakes, and values can't change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Component(BaseModel):
    """A registered thing by its name, with its own parameters beside it: ``{name: focal, gamma: 2}``."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters beside the name."""
        return dict(self.model_extra or {})


class SplitConfig(Section):
    """How samples are dealt to train, val and test; always whole groups (patients, lesions)."""

    source: Literal["given", "groups", "auto"] = Field(
        "auto",
        description="given: the data set's own split; groups: drawn here by patient; auto: given where there is one",
    )
    fractions: tuple[Fraction, Fraction, Fraction] = Field((0.7, 0.15, 0.15), description="train, val, test")
    seed: int = Field(0, ge=0, description="seed of the draw")
    folds: int | None = Field(None, ge=2, le=50, description="cross-validation over train and val: number of folds")
    fold: int = Field(0, ge=0, description="which fold is val")

    @model_validator(mode="after")
    def _consistent(self) -> SplitConfig:
        if abs(sum(self.fractions) - 1) > 1e-6:
            msg = f"fractions {list(self.fractions)} add up to {sum(self.fractions):g}, not 1"
            raise ValueError(msg)
        if self.folds is not None and self.fold >= self.folds:
            msg = f"fold is {self.fold}, and with folds: {self.folds} the last fold is {self.folds - 1}"
            raise ValueError(msg)
        return self


class DataConfig(Section):
    """Where the data is and how it reaches the network."""

    root: Path | None = Field(None, description="folder of the data set")
    layout: str = Field("auto", description="name of the layout, or auto to recognise it")
    split: SplitConfig = Field(default_factory=lambda: SplitConfig())
    image_size: tuple[Size, Size] = Field((144, 192), description="height and width of the network's input, pixels")
    image_sizes: dict[int, tuple[Size, Size]] = Field(
        default_factory=dict, description="progressive resizing: from this epoch on, train at this height and width"
    )
    batch_size: Count = 32
    num_workers: int = Field(0, ge=0, description="worker processes; the draws are the same for any number")
    cache: bool = Field(True, description="decode and resize once, keep on disk, keyed by content")
    cache_dir: Path | None = Field(None, description="folder of the cache; default: the user's cache folder")
    sampler: Component = Field(default_factory=lambda: Component(name="shuffle"))
    augment: Component = Field(default_factory=lambda: Component(name="none"))
    shuffle_labels: bool = Field(
        False, description="label-shuffle test: training labels are permuted; must fall to chance"
    )


class ModelConfig(Section):
    """The network."""

    name: str = Field(description="a registered network, or timm/NAME for any classification network of timm")
    pretrained: str | None = Field(None, description="registered weights, such as imagenet-lite0; null for random")
    parameters: dict[str, Any] = Field(default_factory=dict, description="the network's own parameters")


class EarlyStoppingConfig(Section):
    """Stop when the monitored metric no longer gets better."""

    patience: Count = 10
    min_delta: NonNegative = 0.0


class CheckpointConfig(Section):
    """When the state is saved; beside these, at the end of every epoch and on Ctrl-C."""

    every_n_steps: Count | None = Field(None, description="also every so many optimizer steps")
    keep: int = Field(2, ge=2, description="how many of the newest are kept, beside the best one")
    monitor: str | None = Field(None, description="metric that says which is best; default: the task's own")
    select: Literal["best", "last"] = Field("best", description="which weights become the model at the end")


class TrainerConfig(Section):
    """How long, on what, and how carefully to train."""

    max_epochs: Count = 20
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | Literal["auto"] = 1
    num_nodes: Count = 1
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    accumulate: int = Field(1, ge=1, description="batches per optimizer step")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient")
    ema_decay: float | None = Field(None, gt=0, lt=1, description="exponential moving average of the weights")
    mix: Component = Field(default_factory=lambda: Component(name="none"), description="mixing of training images")
    early_stopping: EarlyStoppingConfig | None = None
    compile: bool = Field(False, description="torch.compile the network")
    channels_last: bool = True
    deterministic: bool = Field(True, description="the same seed gives the same bits (same machine, same threads)")
    threads: int | None = Field(None, ge=1, description="CPU threads; default: torch's choice")
    limit_batches: int | None = Field(None, ge=1, description="at most so many batches per epoch (--dry-run sets 1)")
    overfit: int | None = Field(
        None, ge=1, description="train and validate on the first so many samples, no augmentation"
    )
    checkpoint: CheckpointConfig = Field(default_factory=lambda: CheckpointConfig())
    tensorboard: bool = True
    progress: bool = True


class EvaluateConfig(Section):
    """How a trained model is measured."""

    split: Literal["train", "val", "test"] = "test"
    tta: str = Field("none", description="test-time augmentation, by its registered name")
    bootstrap: int = Field(1000, ge=0, le=100_000, description="resamples of whole groups for the confidence intervals")
    confidence: Fraction = 0.95
    specificities: tuple[Fraction, ...] = Field((0.8, 0.9, 0.95), description="sensitivity is reported at each")
    threshold: Fraction = Field(0.5, description="probability above which a pixel is foreground")


class RunConfig(Section):
    """Where a run is kept."""

    dir: Path | None = Field(None, description="folder of the run; default: runs/<use case>-<date>-<time>")


class Config(Section):
    """A whole run."""

    usecase: str = Field(description="registered use case, such as uc12-skin")
    task: Literal["classification", "segmentation"] = "classification"
    seed: int = Field(0, ge=0, lt=2**32)
    run: RunConfig = Field(default_factory=lambda: RunConfig())
    data: DataConfig = Field(default_factory=lambda: DataConfig())
    model: ModelConfig
    loss: Component = Field(default_factory=lambda: Component(name="cross_entropy"))
    optimizer: Component = Field(default_factory=lambda: Component(name="adamw"))
    schedule: Component = Field(default_factory=lambda: Component(name="cosine"))
    trainer: TrainerConfig = Field(default_factory=lambda: TrainerConfig())
    evaluate: EvaluateConfig = Field(default_factory=lambda: EvaluateConfig())
