"""Made-up worlds with a known effect: the counts of every agency, procedure and month, and the truth about them.

Nothing here is estimated from real dossiers. In the default world the untreated shares of fee-bearing and free
procedures move in parallel, in points, inside an agency; every other world breaks one thing.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from .calendar import tet_share, working_days
from .facts import cluster_of, load_facts
from .made_up_procedures import CUT, procedures, recoded

WORLDS = ("default", "ceiling", "differential_trend", "campaign_uneven", "two_treated_agencies", "waiver")
FIRST, LAST = pd.Period("2022-01", freq="M"), pd.Period("2025-06", freq="M")

CENTRAL_CUT = pd.Period("2023-12", freq="M")
CUT_PCT = {"waiver": 100}  # of the fee, per cent; elsewhere HALF
HALF = 50
DIGITISED = {"province": pd.Period("2022-06", freq="M"), "district": pd.Period("2022-12", freq="M"),
             "commune": pd.Period("2023-06", freq="M")}  # fmt: skip
TWO_TREATED = ("Thành phố Vị Thanh", "Huyện Phụng Hiệp")
DRIFT_PER_MONTH = 0.00053  # differential_trend: a bias of about 3 standard errors of the main design at 400,000 dossiers
UNEVEN_CAMPAIGN = 0.04  # campaign_uneven: what the campaign adds to fee-bearing procedures alone
AGENCY_SHOCK, GROUP_SHOCK, CELL_NOISE, PERSISTENCE = 0.015, 0.008, 0.01, 0.7
PAID_AT_FIRST, PAID_PER_MONTH, PAID_SHOCK = 0.03, 0.0022, 0.008  # share of counter-filed dossiers paid online
PAID_GAP = 0.2  # how much likelier one filed online is paid online: constant, so that payment moves in parallel as filing does
ASSISTED = 0.18  # share of online dossiers that staff enter
MISSING_MONTHS = 6  # agency-months that were never reported
LEVEL_WEIGHT = {"province": 30.0, "district": 55.0, "commune": 9.0}


@dataclass(frozen=True)
class Skeleton:
    """What every draw shares. `units`: one row per agency x procedure; `agencies`: one row per agency."""

    units: pd.DataFrame
    agencies: pd.DataFrame
    months: pd.PeriodIndex
    volume: np.ndarray  # months: relative volume, by working days and Tết
    tet: np.ndarray  # months: share of Tết holidays


@cache
def skeleton(facts_hash: str) -> Skeleton:
    """Agencies, their procedures, and the calendar. Sizes and levels are fixed, not drawn."""
    facts, agencies = load_facts(), []
    rng = np.random.default_rng(93)  # fixed differences between agencies, the same in every draw
    for unit in facts.units:
        if unit.level == "province":
            continue
        level = "province" if unit.level == "department" else unit.level
        agencies.append((unit.code, unit.name, level, cluster_of(facts, unit).name,
                         LEVEL_WEIGHT[level] * np.exp(rng.normal(0, 0.5)), rng.normal(0, 0.04)))  # fmt: skip
    agencies = pd.DataFrame(agencies, columns=["code", "agency", "level", "cluster", "size", "start"])
    rows = []
    for number, agency in enumerate(agencies.itertuples()):
        place = agency.code if agency.level == "province" else agency.level
        for procedure in procedures().itertuples():
            if place in procedure.at:
                rows.append((number, agency.agency, agency.level, agency.cluster, procedure.code, procedure.fee_group,
                             agency.size * procedure.size, procedure.offset / 100))  # fmt: skip
    units = pd.DataFrame(rows, columns=["number", "agency", "level", "cluster", "procedure", "fee_group", "size", "offset"])
    own = units.groupby("number")["size"].transform("sum")
    units["size"] = units["size"] / own * agencies["size"].to_numpy()[units["number"]]  # an agency's size is its own
    months = pd.period_range(FIRST, LAST, freq="M")
    days = np.array([working_days(month) for month in months], float)
    tet = np.array([tet_share(month) for month in months])
    volume = days / days.mean() * (1 - 0.25 * tet)
    return Skeleton(units, agencies, months, volume, tet)


def shocks(rng: np.random.Generator, rows: int, months: int, size: float) -> np.ndarray:
    """rows x months: persistent AR(1) shocks of mean 0 and standard deviation `size`."""
    out = np.empty((rows, months))
    out[:, 0] = rng.normal(0, size, rows)
    for t in range(1, months):
        out[:, t] = PERSISTENCE * out[:, t - 1] + rng.normal(0, size * np.sqrt(1 - PERSISTENCE**2), rows)
    return out


def agency_paths(frame: Skeleton, rng: np.random.Generator, world: str) -> np.ndarray:
    """agencies x months: the share (0-1) that all procedures of an agency have in common, near 45% at first, 80% at last."""
    months = np.arange(len(frame.months))
    top = 0.72 if world == "ceiling" else 0.44
    trend = top / (1 + np.exp(-(months - 15) / 6.5))
    level = frame.agencies["level"].to_numpy()
    since = np.array([DIGITISED[name].ordinal for name in level])
    digitised = 0.02 * (frame.months.asi8[None, :] >= since[:, None])
    path = 0.36 + frame.agencies["start"].to_numpy()[:, None] + trend[None, :] + digitised
    path = path + campaigns(frame)[None, :] - 0.02 * frame.tet[None, :]
    path = path + shocks(rng, len(frame.agencies), len(months), AGENCY_SHOCK)
    return path


def campaigns(frame: Skeleton) -> np.ndarray:
    """What the emulation campaigns add to every dossier: all of 2022, and from 21 August to December 2023."""
    ordinal = frame.months.asi8
    first = 0.03 * (ordinal <= pd.Period("2022-12", freq="M").ordinal)
    return first + 0.03 * second_campaign(frame)


def second_campaign(frame: Skeleton) -> np.ndarray:
    """The campaign's share of each month: a third of August 2023, then all of every month to December."""
    inside = (frame.months >= pd.Period("2023-09", freq="M")) & (frame.months <= pd.Period("2023-12", freq="M"))
    return inside + (frame.months == pd.Period("2023-08", freq="M")) / 3


def probabilities(frame: Skeleton, rng: np.random.Generator, effect: float, world: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(P(online) without the cut, with it, which cells are treated), units x months."""
    units = frame.units
    number = units["number"].to_numpy()
    fee_bearing = (units["fee_group"] == "provincial").to_numpy()
    group = np.unique(number * 2 + fee_bearing, return_inverse=True)[1]
    p0 = agency_paths(frame, rng, world)[number] + units["offset"].to_numpy()[:, None]
    p0 = p0 + shocks(rng, int(group.max()) + 1, len(frame.months), GROUP_SHOCK)[group]
    p0 = p0 + rng.normal(0, CELL_NOISE, p0.shape)
    after = frame.months.asi8 >= CUT.ordinal
    central = (units["fee_group"] == "central").to_numpy()[:, None] & (frame.months >= CENTRAL_CUT)[None, :]
    p0 = p0 + 0.02 * central
    if world == "differential_trend":
        p0 = p0 + DRIFT_PER_MONTH * fee_bearing[:, None] * (np.arange(len(frame.months)) - len(frame.months) / 2)[None, :]
    if world == "campaign_uneven":
        p0 = p0 + UNEVEN_CAMPAIGN * fee_bearing[:, None] * second_campaign(frame)[None, :]
    p0 = np.clip(p0, 0.0, 0.99 if world == "ceiling" else 1.0)
    treated = fee_bearing[:, None] & after[None, :]
    p1 = np.clip(p0 + effect / 100 * treated, 0.0, 0.99 if world == "ceiling" else 1.0)
    return p0, p1, treated


def simulate_cells(seed: int, effect: float = 4.0, dossiers: int = 400_000, world: str = "default") -> tuple[pd.DataFrame, pd.DataFrame]:
    """(cells, truth) of one draw.

    cells: one row per agency x procedure x month: agency, level, cluster, procedure, fee_group, period, received, online,
    assisted. truth: period, truth_pp, treated_received; last row `overall`: the mean over treated dossiers received in the
    treated months of P(online) with minus without the cut, in percentage points, for the dossiers really drawn.
    With payments (see `payments`) and what the cut costs and does to payment in the truth (see `truth_table`).
    Raises InputError for an unknown world, a number of dossiers below 1, an effect outside [-100, 100].
    """
    check_arguments(effect, dossiers, world)
    frame = skeleton(load_facts().sha256)
    rng = np.random.default_rng([seed, 1])
    p0, p1, treated = probabilities(frame, rng, effect, world)
    size = frame.units["size"].to_numpy()[:, None] * frame.volume[None, :]
    if world == "two_treated_agencies":  # elsewhere nothing that costs a fee is received
        elsewhere = (frame.units["fee_group"] == "provincial") & ~frame.units["cluster"].isin(TWO_TREATED)
        size = size * ~elsewhere.to_numpy()[:, None]
    missing = unreported(frame, rng)
    size = np.where(missing[frame.units["number"].to_numpy()], 0.0, size)
    received = rng.poisson(size / size.sum() * dossiers)
    online = rng.binomial(received, p1)
    assisted = rng.binomial(online, ASSISTED)
    cells = frame.units[["agency", "level", "cluster", "procedure", "fee_group"]]
    cells = cells.loc[cells.index.repeat(len(frame.months))].reset_index(drop=True)
    cells["period"] = pd.PeriodIndex.from_ordinals(np.tile(frame.months.asi8, len(frame.units)), freq="M")
    paid = payments(frame, seed, received, online, treated, CUT_PCT.get(world, HALF))
    for name, values in {"received": received, "online": online, "assisted": assisted, "remote": online - assisted, **paid}.items():
        cells[name] = values.ravel()
    return cells, truth_table(frame, received, online, p0, p1, treated, paid, CUT_PCT.get(world, HALF))


def fees(frame: Skeleton) -> np.ndarray:
    """units: the fee before the cut, VND, 0 where free."""
    known = procedures().set_index("code")["fee"]
    return frame.units["procedure"].map(known).to_numpy("int64")


def payments(frame: Skeleton, seed: int, received: np.ndarray, online: np.ndarray, treated: np.ndarray, cut: int) -> dict[str, np.ndarray]:
    """What was paid for the drawn dossiers, and how: units x months of each of `panel.PAID`, all payments telling their channel.

    A dossier filed at the counter is paid online with a probability of its agency and month, one filed online with PAID_GAP
    more; whoever owes nothing pays nothing. Drawn from a stream of its own: filing is the same with and without payments.
    """
    rng = np.random.default_rng([seed, 3])
    months = np.arange(len(frame.months))
    by_agency = PAID_AT_FIRST + PAID_PER_MONTH * months + shocks(rng, len(frame.agencies), len(months), PAID_SHOCK)
    share = np.clip(by_agency, 0.0, 1 - PAID_GAP)[frame.units["number"].to_numpy()]
    counter = received - online
    fee = np.broadcast_to(fees(frame)[:, None], received.shape)
    reduced = fee * (100 - cut * treated) // 100  # what one filed online owes
    counter_online, online_online = rng.binomial(counter, share), rng.binomial(online, share + PAID_GAP)
    counter_paying, online_paying = counter * (fee > 0), online * (reduced > 0)
    kept = (frame.units["fee_group"] != "free").to_numpy()[:, None]  # a procedure that never costs anything has no line
    filed_online_paid = online * reduced
    counter_paid_online = counter_online * (fee > 0)
    return {
        "paid": counter * fee + filed_online_paid, "paying": counter_paying + online_paying,
        "zero_fee": (received - counter_paying - online_paying) * kept, "filed_online_paid": filed_online_paid,
        "filed_online_paying": online_paying, "filed_online_zero": (online - online_paying) * kept,
        "channel_told": counter_paying + online_paying, "paid_online": counter_paid_online + online_online * (reduced > 0),
        "counter_told": counter_paying, "counter_paid_online": counter_paid_online,
    }  # fmt: skip


def truth_table(frame: Skeleton, received: np.ndarray, online: np.ndarray, p0: np.ndarray, p1: np.ndarray, treated: np.ndarray,
                paid: dict[str, np.ndarray], cut: int) -> pd.DataFrame:  # fmt: skip
    """One row per treated month and `overall`: truth_pp, treated_received, and of the treated dossiers forgone_vnd (fees not
    taken, as drawn), unchanged_vnd (without what the extra dossiers are expected to take of it: had nobody filed otherwise),
    extra_online (expected);
    what the cut does to the two rates of online payment (official_pp, fixed_pp) with the dossiers over which
    each is a mean (official_paying, fixed_paying); what it does to the shares filed from remote and
    entered by staff, and, which is nothing, to dossiers on time, days of processing and the number of dossiers (received_pct)."""
    n, saved = received * treated, (fees(frame)[:, None] * cut // 100) * treated
    waived = cut == 100
    moved = PAID_GAP * (p1 - p0)
    paying, owing = paid["paying"] * treated, paid["counter_told"] * treated if waived else paid["paying"] * treated
    sums = {
        "gain": n * (p1 - p0) * 100, "n": n, "forgone": online * saved, "unchanged": (online - received * (p1 - p0)) * saved,
        "official": 100 * paying * (-PAID_GAP * p0 if waived else moved), "paying": paying,
        "fixed": 100 * owing * (0.0 if waived else moved), "owing": owing,
    }  # fmt: skip
    by_month = {name: values.sum(axis=0) for name, values in sums.items()}
    parts = [(str(month), {name: values[t] for name, values in by_month.items()}) for t, month in enumerate(frame.months)
             if treated[:, t].any()]  # fmt: skip
    parts.append(("overall", {name: values.sum() for name, values in by_month.items()}))
    return pd.DataFrame([{"period": period, **truths(part)} for period, part in parts])


def truths(part: dict[str, float]) -> dict[str, float]:
    """A row of the truth from its sums; empty where nothing was received, or owed."""

    def of(name: str, number: str) -> float:
        return part[name] / part[number] if part[number] else np.nan

    return {
        "truth_pp": of("gain", "n"), "treated_received": int(part["n"]), "forgone_vnd": int(part["forgone"]),
        "unchanged_vnd": round(float(part["unchanged"])), "extra_online": part["gain"] / 100,
        "official_pp": of("official", "paying"),
        "official_paying": int(part["paying"]), "fixed_pp": of("fixed", "owing"), "fixed_paying": int(part["owing"]),
        "remote_pp": (1 - ASSISTED) * of("gain", "n"),
        "staff_pp": ASSISTED * of("gain", "n"), "on_time_pp": 0.0, "days": 0.0,
        "received_pct": 0.0,
    }  # fmt: skip


def unreported(frame: Skeleton, rng: np.random.Generator) -> np.ndarray:
    """agencies x months: True where an agency reported nothing; drawn among communes, away from the cut."""
    missing = np.zeros((len(frame.agencies), len(frame.months)), bool)
    communes = np.flatnonzero(frame.agencies["level"] == "commune")
    missing[rng.choice(communes, MISSING_MONTHS), rng.integers(1, len(frame.months), MISSING_MONTHS)] = True
    return missing


def check_arguments(effect: float, dossiers: int, world: str) -> None:
    if world not in WORLDS:
        raise InputError(f"world {world!r} is not known; known: {', '.join(WORLDS)}")
    if dossiers < 1:
        raise InputError(f"dossiers: {dossiers}; at least 1")
    if not -100 <= effect <= 100:
        raise InputError(f"effect: {effect:g} percentage points; allowed: -100 to 100")


def fee_schedule() -> pd.DataFrame:
    """One row per procedure code: procedure, name, field, set_by, fee_vnd (before the cut), statutory_fee_vnd, same_as."""
    known = procedures()
    frame = pd.DataFrame({
        "procedure": known["code"], "name": known["name"], "field": known["field"], "set_by": known["set_by"],
        "fee_vnd": known["fee"], "statutory_fee_vnd": known["statutory"], "same_as": "",
    })  # fmt: skip
    renamed = {old: new for old, new, _ in recoded()}
    later = frame[frame["procedure"].isin(renamed)].assign(procedure=lambda f: f["procedure"].map(renamed))
    frame["same_as"] = frame["procedure"].map(renamed).fillna("")
    return pd.concat([frame, later], ignore_index=True)


def simulate(out: Path, effect: float = 4.0, seed: int = 20230714, dossiers: int = 400_000,
             layout: str = "opencps_dossiers", world: str = "default") -> pd.DataFrame:  # fmt: skip
    """Write a made-up export to `out` (.csv or .xlsx), OUT.truth.csv, OUT.fees.csv and, beside a dossier list, what was paid
    for its dossiers (OUT.payments.csv); returns the truth.

    Raises InputError for an unknown world, layout or kind of file, and for numbers that cannot be.
    """
    from .made_up_export import write_export

    check_arguments(effect, dossiers, world)
    cells, truth = simulate_cells(seed, effect, dossiers, world)
    write_export(Path(out), cells, truth, fee_schedule(), seed, layout, CUT_PCT.get(world, HALF))
    return truth
