"""The demonstration's design, broken one thing at a time by small changes, for the tests of warnings."""

from dataclasses import replace

import numpy as np
import pandas as pd
from coverage_worlds import demo_design

from hgdx_eval.design.design import Design, put_aside
from hgdx_eval.vietnam import made_up_world as synth

BROKEN = ("differential_trend", "uneven_campaign", "season", "ceiling", "two_treated_agencies", "few_clusters", "dominant_cluster",
          "event_in_window", "composition_change", "volume_change", "thin_months")  # fmt: skip
SIMULATED = {"uneven_campaign": "campaign_uneven"}  # other names are those of the simulated world
THIN_MONTHS = (pd.Period("2024-02", freq="M").ordinal, pd.Period("2024-03", freq="M").ordinal)


def drawn(seed: int, world: str) -> Design:
    """One draw: `good` (the default world without its listed events), `listed` (the default world as it is, with them), or the
    world in which one warning's own thing is broken. Worlds other than listed, uneven_campaign and event_in_window have no events."""
    simulated = SIMULATED.get(world, world if world in synth.WORLDS else "default")
    design = demo_design(seed, world=simulated)[0]
    if world not in ("listed", "uneven_campaign", "event_in_window"):
        design = replace(design, events=())
    return CHANGES[world](design) if world in CHANGES else design


def few_clusters(design: Design) -> Design:
    """Only the four districts and agencies that receive most treated dossiers."""
    denominator = design.table[design.table["treated"]].groupby("cluster")["denominator"].sum()
    return kept(design, design.table["cluster"].isin(denominator.nlargest(4).index))


def event_in_window(design: Design) -> Design:
    """Of the listed events only the campaign that starts in the month of the policy."""
    return replace(design, events=tuple(event for event in design.events if event.name == "campaign_2023"))


def composition_change(design: Design) -> Design:
    """From the date on every second procedure with a fee is received elsewhere: four in five of its dossiers are gone."""
    table = design.table
    procedure = table["unit"].str.split(" · ").str[-1]
    moved = [code for code in procedure.unique() if sum(map(ord, code)) % 2 == 0]
    return thinned(design, table["treated"] & procedure.isin(moved), 0.2)


def thin_months(design: Design) -> Design:
    """Two months of which three dossiers in four were lost."""
    return thinned(design, design.table["time"].isin(THIN_MONTHS), 0.25)


def season(design: Design) -> Design:
    """Every second half of the year the treated are three points higher, every first half three lower: eighteen months before the policy
    hold one second half, twenty-four after it two."""
    table = design.table
    swing = np.where(table["period"].dt.month > 6, 0.03, -0.03) * table["treated_from"].notna()
    numerator = ((table["y"] + swing).clip(0, 1) * table["denominator"]).round()
    return replace(design, table=table.assign(numerator=numerator, y=numerator / table["denominator"]))


def dominant_cluster(design: Design) -> Design:
    """One agency receives a hundred times as many dossiers."""
    table = design.table
    times = np.where(table["cluster"] == sorted(table["cluster"].unique())[0], 100.0, 1.0)
    counts = {name: table[name] * times for name in ("numerator", "denominator", "weight")}
    return replace(design, table=table.assign(**counts))


def volume_change(design: Design) -> Design:
    """From the policy on fee-bearing procedures receive twice as many dossiers, filed as before."""
    times = np.where(design.table["treated"], 2.0, 1.0)
    counts = {name: design.table[name] * times for name in ("numerator", "denominator", "weight")}
    return replace(design, table=design.table.assign(**counts))


CHANGES = {"season": season, "dominant_cluster": dominant_cluster, "volume_change": volume_change,
           "few_clusters": few_clusters, "event_in_window": event_in_window, "composition_change": composition_change,
           "thin_months": thin_months}  # fmt: skip


def kept(design: Design, rows: pd.Series) -> Design:
    return replace(design, table=put_aside(design.table, ~rows, "world", []).reset_index(drop=True))


def thinned(design: Design, rows: pd.Series, part: float) -> Design:
    """Only a part of the dossiers of some rows, drawn one by one; rows left with none are dropped."""
    rng = np.random.default_rng([int(design.table["numerator"].sum()), 5])
    table, hit = design.table.copy(), rows.to_numpy()
    numerator, counter = table["numerator"].to_numpy(int), (table["denominator"] - table["numerator"]).to_numpy(int)
    numerator = np.where(hit, rng.binomial(numerator, part), numerator).astype(float)
    denominator = numerator + np.where(hit, rng.binomial(counter, part), counter)
    table = table.assign(numerator=numerator, denominator=denominator, weight=denominator)[denominator > 0]
    return replace(design, table=table.assign(y=table["numerator"] / table["denominator"]).reset_index(drop=True))


def drifting(seed: int, times: float) -> Design:
    """The world `differential_trend` with its drift times so much (1 = a bias of about three standard errors), no events."""
    usual = synth.DRIFT_PER_MONTH
    try:
        synth.DRIFT_PER_MONTH = usual * times
        return drawn(seed, "differential_trend")
    finally:
        synth.DRIFT_PER_MONTH = usual
