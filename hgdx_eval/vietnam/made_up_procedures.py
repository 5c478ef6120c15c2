"""Procedures of a made-up world, some with new codes from a date on."""

from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
import yaml

CUT = pd.Period("2023-08", freq="M")  # the working assumption: 1 August 2023


@cache
def procedures() -> pd.DataFrame:
    """One row per made-up procedure: code, name, field, set_by, fee, statutory, at, size, offset (points), fee_group."""
    text = resources.files("hgdx_eval.vietnam").joinpath("made_up_procedures.yaml").read_text(encoding="utf-8")
    frame = pd.DataFrame(yaml.safe_load(text)["procedures"])
    frame["fee"] = frame["fee"].fillna(0).astype("int64")
    frame["statutory"] = frame["statutory"].fillna(frame["fee"]).astype("int64")
    frame["fee_group"] = np.select(
        [frame["set_by"] == "none", frame["fee"] == 0, frame["set_by"] == "province"], ["free", "already_free", "provincial"],
        "central",
    )  # fmt: skip
    return frame


@cache
def recoded() -> tuple[tuple[str, str, str], ...]:
    """(old code, new code, first month of the new one)."""
    text = resources.files("hgdx_eval.vietnam").joinpath("made_up_procedures.yaml").read_text(encoding="utf-8")
    return tuple((item["old"], item["new"], item["since"]) for item in yaml.safe_load(text)["recoded"])
