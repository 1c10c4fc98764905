"""Write the JSON schema of configurations that the contract test compares with."""

from __future__ import annotations

import json
from pathlib import Path

from deephealth.config import Config

if __name__ == "__main__":
    target = Path(__file__).with_name("config_schema.json")
    target.write_text(json.dumps(Config.model_json_schema(), indent=1, sort_keys=True) + "\n")
