# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Skin lesions: from images to a report
#
# On generated images, so that it runs anywhere. With real ones, only the root changes.

# %%
import csv
import json
import tempfile
from pathlib import Path

import deephealth
from deephealth.usecases.datasets import check_data, generate_data

work = Path(tempfile.mkdtemp())
generate_data("uc12-skin", work / "data", 120, seed=1)
print(check_data("uc12-skin", work / "data").render())

# %% [markdown]
# A configuration is a shipped one with changes. Mistakes are reported all at once:

# %%
try:
    deephealth.load_config("uc12-skin/smoke", ["trainer.max_epoch=1", "data.batch_size=0"])
except deephealth.DeepHealthError as error:
    print(error)

# %%
config = deephealth.load_config(
    "uc12-skin/smoke",
    [
        f"data.root={work / 'data'}",
        f"data.cache_dir={work / 'cache'}",
        f"run.dir={work / 'run'}",
        "data.image_size=[48,64]",
        "trainer.max_epochs=2",
        "trainer.progress=false",
    ],
)
outcome = deephealth.train_run(config)
print("\n".join(outcome.lines()))

# %% [markdown]
# The model takes raw files:

# %%
predictor = deephealth.load(outcome.run)
files = sorted((work / "data").rglob("*.jpg"))[:3]
for prediction in predictor.predict(files):
    print(prediction.file, prediction.label, f"{max(prediction.probabilities.values()):.2f}")

# %%
metrics = json.loads((outcome.run / "evaluation" / "test" / "metrics.json").read_text())
print(sorted(metrics))
print(next(csv.reader((outcome.run / "evaluation" / "test" / "predictions.csv").open())))
