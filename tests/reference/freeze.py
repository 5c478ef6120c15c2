"""Frozen values: what independent libraries say of the small made-up panel. Prints frozen.yaml; needs the oracles extra.

python tests/reference/freeze.py > tests/reference/frozen.yaml
"""

import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import diff_diff
import numpy as np
import pandas as pd
import pyfixest
import statsmodels.api as sm
import yaml

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
from made_up import factor_table, staggered_table, triple_table  # noqa: E402

warnings.simplefilter("ignore")
SEED = 11


def staggered() -> pd.DataFrame:
    table = staggered_table(SEED)
    return table.assign(y=100 * table["numerator"] / table["denominator"], first=table["treated_from"].fillna(0).astype(int),
                        on=(table["time"] >= table["treated_from"]).astype(float))  # fmt: skip


def told(library: str, **values: float) -> dict:
    return {"library": f"{library} {version(library)}", **{name: float(value) for name, value in values.items()}}


def callaway_santanna() -> dict:
    found = {}
    for control in ("never_treated", "not_yet_treated"):
        fit = diff_diff.CallawaySantAnna(control_group=control, cluster="cluster").fit(
            staggered(), "y", "unit", "time", "first", aggregate="all")  # fmt: skip
        found[control] = told("diff-diff", estimate=fit.overall_att, std_error=fit.overall_se)
    return found


def imputation() -> dict:
    static = pyfixest.did2s(staggered(), yname="y", first_stage="~0 | unit + time", second_stage="~i(on, ref=0)", treatment="on",
                            cluster="cluster")  # fmt: skip
    fit = diff_diff.ImputationDiD(cluster="cluster").fit(staggered(), "y", "unit", "time", "first")
    return {"two_stage": told("pyfixest", estimate=static.coef().iloc[0], std_error=static.se().iloc[0]),
            "conservative": told("diff-diff", estimate=fit.overall_att, std_error=fit.overall_se)}  # fmt: skip


def sun_abraham() -> dict:
    fit = diff_diff.SunAbraham(cluster="cluster").fit(staggered(), "y", "unit", "time", "first")
    effects = {f"event_{e}": row["effect"] for e, row in sorted(fit.event_study_effects.items()) if e in (-3, 0, 1, 2)}
    return {"unweighted": told("diff-diff", **effects)}


def triple_difference() -> dict:
    table = triple_table(SEED)
    table = table.assign(y=100 * table["numerator"] / table["denominator"], on=(table["time"] >= table["treated_from"]).astype(float))
    fit = pyfixest.feols("y ~ on | unit + block^time + group^time", table, weights="denominator", vcov={"CRV1": "cluster"})
    return {"weighted": told("pyfixest", estimate=fit.coef().iloc[0])}


def grouped_logit() -> dict:
    table = staggered().assign(numerator=lambda t: t["numerator"].round())
    x = pd.get_dummies(table[["unit", "time"]].astype(str), drop_first=True).assign(on=table["on"], one=1.0).astype(float)
    fit = sm.GLM(np.column_stack([table["numerator"], table["denominator"] - table["numerator"]]), x, family=sm.families.Binomial()).fit(
        tol=1e-13
    )
    without = fit.predict(x.assign(on=0.0))
    effect = (
        100 * ((fit.predict(x) - without) * table["denominator"])[table["on"] == 1].sum() / table.loc[table["on"] == 1, "denominator"].sum()
    )
    return {"dummies": told("statsmodels", log_odds=fit.params["on"], estimate=effect)}


def synthetic() -> pd.DataFrame:
    table = factor_table(SEED, donors=12)
    return table.assign(y=100 * table["numerator"] / table["denominator"], on=(table["time"] >= table["treated_from"]).astype(int))


def synthetic_control() -> dict:
    kit = diff_diff.SyntheticControl(v_method="custom", custom_v=np.ones(16) / 16, standardize="none", inner_max_iter=200_000,
                                     inner_min_decrease=1e-14)  # fmt: skip
    return {"unscaled": told("diff-diff", estimate=kit.fit(synthetic(), "y", "on", "unit", "time").att)}


def synthetic_did() -> dict:
    """Its steps stop early: near the exact optimum, not at it."""
    table = synthetic()
    table = table.assign(on=table.groupby("unit")["on"].transform("max"))
    fit = diff_diff.SyntheticDiD(n_bootstrap=5, seed=1).fit(table, "y", "on", "unit", "time", post_periods=sorted(set(table["time"]))[16:])
    return {"stopped_early": told("diff-diff", estimate=fit.att)}


if __name__ == "__main__":
    print("# What independent libraries say of tests/made_up.py's panels. Made by freeze.py; do not edit.")
    frozen = (callaway_santanna, imputation, sun_abraham, triple_difference, grouped_logit, synthetic_control, synthetic_did)
    print(yaml.safe_dump({f.__name__: f() for f in frozen}), end="")
