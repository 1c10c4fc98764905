"""Floor 1: what a run's configuration may say, and how it is read."""

from deephealth.config.loader import dump_config, load_config
from deephealth.config.schema import Config
from deephealth.config.shipped import find_config, list_configs
from deephealth.config.validate import Vocabulary, validate

__all__ = ["Config", "Vocabulary", "dump_config", "find_config", "list_configs", "load_config", "validate"]
