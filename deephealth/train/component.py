"""Building a registered thing from its name and the parameters that stand beside it in a configuration."""

from __future__ import annotations

from typing import Any

from deephealth.config.schema import Component
from deephealth.core.errors import ConfigError, did_you_mean
from deephealth.core.registry import Registry

__all__ = ["build"]


def build(registry: Registry[Any], component: Component, *arguments: Any, path: str) -> Any:
    """Call the registered thing with the component's parameters.

    Args:
        registry: where the name stands.
        component: name and parameters.
        arguments: what the program itself passes.
        path: place in the configuration, for messages, such as ``"optimizer"``.

    Raises:
        UnknownNameError: the name is not registered.
        ConfigError: parameters that it does not have (all of them), or values that it refuses.

    Example:
        >>> from deephealth.train.catalogue import SCHEDULES
        >>> build(SCHEDULES, Component(name="constant"), 10, path="schedule")(3)
        1.0
    """
    known = registry.parameters(component.name)
    wrong = [key for key in component.parameters if key not in known]
    if wrong:
        raise ConfigError(f"{path}.{key}: unknown for '{component.name}'; {did_you_mean(key, known)}" for key in wrong)
    try:
        return registry.get(component.name)(*arguments, **component.parameters)
    except (TypeError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError([f"{path}: {error}"]) from error
