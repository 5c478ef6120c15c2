"""Decides what a run tells of counts: everything that could leave it is one register (`register.py`), with what the last run and other
studies of the same data told; what would tell of fewer than `min_count` dossiers is hidden once, for all surfaces."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from ..design.design import Design, traits_of
from ..estimation.heterogeneity import labels
from ..panel.panel import Panel
from ..panel.tidy import joined_text
from ..panel.told import KEYS, Release
from ..study.domains import domain_of
from ..study.study import Study, study_digest
from ..study.vocabulary import SIDES
from .register import Register, entries_with, hidden_entries, is_small, some_atoms

MOST, TYPICAL = 8, 20  # places of which a series is drawn; dossiers of either group in a typical period: below, a line shows chance
WORTH = {"design": 9, "treated": 9, "whole": 9, "span": 8, "month": 6, "side": 6, "size": 4, "dose": 4, "forgone": 3, "place": 0,
         "staff_whole": 8, "staff_year": 7, "staff": 5, "payment": 6, "payment_fixed": 5}  # fmt: skip
PARTS, STAFF, PAID = ("counter", "online"), ("remote", "assisted"), ("paid", "unpaid")
PAYMENTS = ("official_paid", "official_told", "fixed_paid", "fixed_told")
NUMBER = [*KEYS, "part"]


@dataclass(frozen=True)
class View:
    """How a study divides the cells. `cells`: per cell of the data side (treated, comparison; "" = not in the design), place (of which a
    series is drawn; "" = another), late (from the start on), after (treated then), billed (its fee is cut then), then (among the
    data), and one text column for each of the `divisions` of the treated. `whole`: whether the cells are all of the data, not the
    design's alone. `told`: what is told already; None = to be decided."""

    cells: pd.DataFrame
    divisions: tuple[str, ...]
    whole: bool
    told: pd.DataFrame | None = None


@dataclass(frozen=True)
class Atoms:
    """The finest counts: `z`, one row per period and class of cells, and `y`, one row per class and division of the treated; then one
    column per part of `PARTS`. Sums over the periods of a class and over its divisions are the same: how the periods of a class
    spread over its divisions is told nowhere, so whatever adds up to both fits."""

    z: pd.DataFrame
    y: pd.DataFrame
    classes: list[str]

    @property
    def x(self) -> np.ndarray:
        return np.concatenate([frame[list(PARTS)].to_numpy(float).ravel() for frame in (self.z, self.y)])


Built = tuple[pd.DataFrame, Register]  # one row per number that could be told (view, KEYS, part, entry); the register of the same rows
Build = Callable[[pd.DataFrame, list[View]], Built]


def release_of(panel: Panel, p: Study, design: Design, last: tuple[str, Release] | None = None, others: tuple = ()) -> Release | None:
    """What may be told of a study's dossiers; None where it counts none.

    `last`: name of the last run and what it told; `others`: (study, design, what was told) of other studies of the very same data.
    """
    if not design.table["denominator"].notna().all():
        return None
    cells = counts_of(panel, p, design)
    own = view_of(cells, panel, p, design)
    views = [own, *(view_of(cells, panel, q, other, told.table) for q, other, told in others)]
    views += [before(own, cells, last[1])] if last is not None else []
    builds = [counts_register, *([staff_register] if "assisted" in cells else []), *([payments_register] if "cut" in cells else [])]
    table = pd.concat([decided(build, cells, views, last, p) for build in builds], ignore_index=True)
    if own.cells["billed"].any():
        table = pd.concat([table, amounts_told(table, panel, p, design, last)], ignore_index=True)
    kept = bool((table["as_of"] != "").any())
    table = table.sort_values(NUMBER, ignore_index=True)
    return Release(table, study_digest(p), str(cells["period"].max()), p.min_count, p.round_to or 1, kept)


def as_decided(panel: Panel, p: Study, design: Design, told: Release) -> Release | None:
    """What data tell that are not those for which `told` was decided, with the same numbers hidden; those that are less than `min_count`
    away from the ones told stay."""
    fresh = release_of(panel, p.model_copy(update={"min_count": 1, "round_to": None}), design)
    if fresh is None:
        return None
    then = fresh.table[NUMBER].merge(told.table, on=NUMBER, how="left")
    now = rounded(fresh.table["count"], told.round_to)
    near = (then["count"] - now).abs() < told.min_count
    amounts = then["family"].eq("forgone") & ~then["part"].isin(PARTS)  # they go with the dossiers
    older = near | amounts
    count = then["count"].where(older | then["count"].isna(), now)
    return replace(told, table=fresh.table.assign(count=count, as_of=np.where(older & (count != now), "then", "")), study=study_digest(p))


def rounded(counts: pd.Series, round_to: int) -> pd.Series:
    """Counts as multiples of `round_to`, halves up."""
    return counts if round_to == 1 else np.floor(counts / round_to + 0.5) * round_to


def decided(build: Build, cells: pd.DataFrame, views: list[View], last: tuple[str, Release] | None, p: Study) -> pd.DataFrame:
    """The numbers of one register as they may be told, see `Release.table`."""
    numbers, register = build(cells, views)
    values = register.rows @ register.x
    few = is_small(values, p.min_count)
    first = entries_with(few | hidden_then(numbers, cells, last), register)
    hide = hidden_entries(register, first, few, small_atoms(register.x, p.min_count), p.min_count)
    exact = last is not None and last[1].round_to == 1 and not p.round_to  # a rounded number tells no difference of few
    moved = late_moves(build, cells, views[0], last[1], p.min_count) if exact else None
    return told_table(numbers, values, hide[register.entry], last, moved, p.round_to or 1)


def amounts_told(table: pd.DataFrame, panel: Panel, p: Study, design: Design, last: tuple[str, Release] | None) -> pd.DataFrame:
    """The amounts that go with the told counts of dossiers whose fee is cut: an amount is hidden, an earlier run's or without what came
    late exactly where its count is."""
    domain, design = domain_of(p), replace(design, release=None)
    sums = domain.amounts(p, panel, design, None)
    dossiers = sums[KEYS].merge(table[table["part"] == "online"], on=KEYS, how="left")
    sums["as_of"] = dossiers["as_of"]
    sums["count"] = sums["count"].where(dossiers["count"].notna())
    if last is not None:
        told = last[1]
        same = domain.amounts(p, panel, design, told.until)
        same = sums[NUMBER].merge(same, on=NUMBER, how="left")["count"].fillna(0.0)
        then = sums[NUMBER].merge(told.table, on=NUMBER, how="left")["count"]
        as_then = dossiers["count"] == sums[KEYS].merge(told.table[told.table["part"] == "online"], on=KEYS, how="left")["count"]
        older = (sums["as_of"] != "") & then.notna()
        sums["count"] = sums["count"].mask(older, then.where(as_then, sums["count"] - same + then))
    return sums[[*NUMBER, "count", "as_of"]]


def hidden_then(numbers: pd.DataFrame, cells: pd.DataFrame, last: tuple[str, Release] | None) -> np.ndarray:
    """Which numbers the last run hid, where no period has come since: one that appears would tell that its cells have moved."""
    if last is None or str(cells["period"].max()) != last[1].until:
        return np.zeros(len(numbers), bool)
    then = numbers[NUMBER].merge(last[1].table.assign(there=True), on=NUMBER, how="left")
    return (then["count"].isna() & (then["there"] == True)).to_numpy()  # noqa: E712


def small_atoms(x: np.ndarray, min_count: int) -> sparse.csr_matrix:
    """One row for each atom that is small."""
    few = np.flatnonzero(is_small(x, min_count))
    return sparse.csr_matrix((np.ones(len(few)), (np.arange(len(few)), few)), shape=(len(few), len(x)))


# --- cells ---------------------------------------------------------------------------------------------------------
def all_cells(p: Study) -> bool:
    """Whether the register holds all cells of the data: of an export of dossiers whose online share is studied."""
    return p.layout != "table" and (p.numerator, p.denominator) == ("online", "received")


def counts_of(panel: Panel, p: Study, design: Design) -> pd.DataFrame:
    """Per cell with dossiers: unit, time, period, group, its dossiers in two parts, counter and online, and where the data tell who filed
    also remote and assisted, the parts of online; with payments cut (its fee is cut) and what the two rates of payment count. Of a
    tidy table the design's own cells, the numerator told as `online`, the rest of the denominator as `counter`."""
    if not all_cells(p):
        table = design.table
        parts = {"online": table["numerator"], "counter": table["denominator"] - table["numerator"]}
        return table[["unit", "time", "period", "group"]].assign(**parts)
    cells = panel.cells[panel.cells["received"] > 0]
    frame = pd.DataFrame({"unit": joined_text(cells, p.unit_columns), "time": cells["period"].array.asi8, "period": cells["period"],
                          "group": cells[p.group].astype(str) if p.group else "", "counter": cells["received"] - cells["online"],
                          "online": cells["online"]})  # fmt: skip
    if "assisted" in cells and cells["assisted"].sum():
        frame = frame.assign(remote=cells["online"] - cells["assisted"], assisted=cells["assisted"])
    besides = domain_of(p).counted_besides(p, panel, design)
    return frame if besides is None else frame.join(besides)


def view_of(cells: pd.DataFrame, panel: Panel, p: Study, design: Design, told: pd.DataFrame | None = None) -> View:
    """How a study divides the cells of the data."""
    at = ["unit", "time", "group"]  # several procedures of an agency may be one of its units: they are of one side then
    own = design.table.drop_duplicates(at).set_index(at)[["treated_from", "treated", "cluster"]]
    found = own.reindex(pd.MultiIndex.from_frame(cells[at])).set_axis(cells.index)
    inside, drawn = found["treated"].notna(), places_drawn(design)
    side = found["treated_from"].notna().map(SIDES)
    made = pd.DataFrame({
        "side": np.where(inside, side, ""), "place": found["cluster"].astype(str).where(inside & found["cluster"].isin(drawn), ""),
        "late": cells["time"] >= found["treated_from"].fillna(design.start.ordinal), "after": inside & (found["treated"] == True),  # noqa: E712
        "billed": False, "then": True,
    }, index=cells.index)  # fmt: skip
    for name, of_unit in divisions_of(design).items():
        made[name] = cells["unit"].map(of_unit).fillna("").astype(str).where(made["after"], "")
    billed = domain_of(p).cells_billed(p, panel, design)
    if len(billed):
        made["billed"] = cells.index.isin(billed)
        for name in ("level", "procedure", "agency"):
            made[f"forgone {name}"] = panel.cells[name].reindex(cells.index).astype(str).where(made["billed"], "")
    return View(made, tuple(name for name in made if " " in name), all_cells(p), told)


def divisions_of(design: Design) -> dict[str, pd.Series]:
    """How the report divides the treated: "size TRAIT" -> unit -> value, "dose dose" -> unit -> level."""
    found = {f"size {trait}": labels(of_unit, design.table) for trait, of_unit in traits_of(design).items()}
    if design.table["dose"].notna().any():
        mean = design.table[design.table["treated"]].groupby("unit")["dose"].mean()
        found["dose dose"] = labels(mean.reindex(design.table["unit"].unique()), design.table)
    return found


def places_drawn(design: Design) -> list[str]:
    """The largest places of which both groups have enough dossiers in a typical period for a series of their own."""
    table = design.table
    sums = table.assign(side=table["treated_from"].notna()).groupby(["cluster", "side", "time"])["denominator"].sum()
    typical = sums.groupby(["cluster", "side"]).median()
    sizes = sums.groupby(["cluster", "side"]).sum().where(typical >= TYPICAL).unstack()
    return sorted(sizes.dropna().min(axis=1).nlargest(MOST).index) if sizes.shape[1] == 2 else []


def before(own: View, cells: pd.DataFrame, told: Release) -> View:
    """The same study as of its last run: the cells up to the last period that it had."""
    inside = cells["period"].astype(str) <= told.until
    flags = ["late", "after", "billed", "then"]
    made = own.cells.where(inside, "").assign(**{name: own.cells[name] & inside for name in flags})
    return replace(own, cells=made, told=told.table)


# --- registers -----------------------------------------------------------------------------------------------------
def counts_register(cells: pd.DataFrame, views: list[View]) -> Built:
    """The register of dossiers filed online and at the counter."""
    atoms = atoms_of(cells, views)
    return register_of([terms_of(atoms, view, k) for k, view in enumerate(views)], views, links(atoms), atoms.x)


def staff_register(cells: pd.DataFrame, views: list[View]) -> Built:
    """The register of who filed: dossiers filed remotely and entered by staff by period, where those filed online are known."""
    months = sums_by(cells, views, ["period"], STAFF)
    period, at = months["period"].astype(str), np.arange(len(months)) * 2
    terms = []
    for k in range(len(views)):
        keys = pd.DataFrame({"view": k, "side": "", "group": "", "period": period})[months[f"{k} then"]]
        named = [keys.assign(family="staff"), keys.assign(family="staff_year", period=keys["period"].str[:4]),
                 keys.assign(family="staff_whole", period="")]  # fmt: skip
        terms.append(pd.concat([one.assign(part=part, atom=at[one.index] + j) for one in named for j, part in enumerate(STAFF)]))
    online = sparse.kron(sparse.identity(len(months)), np.ones((1, 2))).tocsr()
    return register_of(terms, views, online, months[list(STAFF)].to_numpy(float).ravel())


def sums_by(cells: pd.DataFrame, views: list[View], by: list[str], names: tuple[str, ...]) -> pd.DataFrame:
    """Sums of some columns, and for each view whether it had any of the cells then ("0 then", ...)."""
    then = {f"{k} then": view.cells["then"] for k, view in enumerate(views)}
    return cells.assign(**then).groupby(by, as_index=False).agg({**dict.fromkeys(names, "sum"), **dict.fromkeys(then, "any")})


def payments_register(cells: pd.DataFrame, views: list[View]) -> Built:
    """The register of what the two rates of online payment count, by period: paid online and not, of those whose fee is cut and of others;
    of each group those that only the official rate counts apart."""
    months = sums_by(cells, views, ["period", "cut"], PAYMENTS)
    fixed = months[["fixed_paid", "fixed_told"]].to_numpy(float)
    both = months[["official_paid", "official_told"]].to_numpy(float)
    inside, outside = (np.column_stack([part[:, 0], part[:, 1] - part[:, 0]]) for part in (fixed, both - fixed))
    period, n, terms = months["period"].astype(str), len(months) * len(PAID), []
    for k in range(len(views)):
        mine = months[f"{k} then"]
        keys = pd.DataFrame({"view": k, "side": "", "group": "", "period": period})[mine]
        at = np.arange(len(months))[mine] * len(PAID)
        group = np.where(months.loc[mine, "cut"], "cut", "other")
        named = [keys.assign(family="payment", at=at), keys.assign(family="payment", at=at + n),
                 keys.assign(family="payment_fixed", group=group, at=at)]  # fmt: skip
        terms.append(pd.concat([one.assign(part=part, atom=one["at"] + j) for one in named for j, part in enumerate(PAID)]))
    return register_of(terms, views, sparse.csr_matrix((0, 2 * n)), np.concatenate([inside.ravel(), outside.ravel()]))


def register_of(terms: list[pd.DataFrame], views: list[View], known: sparse.csr_matrix, x: np.ndarray) -> Built:
    """`terms`: per view one row per number and atom that it adds up."""
    whole = pd.concat([told_already(part, view) for part, view in zip(terms, views, strict=True)], ignore_index=True)
    row, firsts = pd.factorize(pd.MultiIndex.from_frame(whole[["view", *NUMBER]]))
    rows = sparse.csr_matrix((np.ones(len(whole)), (row, whole["atom"])), shape=(len(firsts), len(x)))
    numbers = firsts.to_frame(index=False, name=["view", *NUMBER])
    numbers["entry"] = pd.factorize(pd.MultiIndex.from_frame(numbers[["view", *KEYS]]))[0]
    first = numbers.drop_duplicates("entry")
    cost = first["family"].map(WORTH).to_numpy() * 1e9 + np.bincount(numbers["entry"], rows @ x)
    return numbers, Register(rows, numbers["entry"].to_numpy(), cost, (first["view"] > 0).to_numpy(), known, x)


def told_already(terms: pd.DataFrame, view: View) -> pd.DataFrame:
    """All terms of a view that is to be decided; else those of the numbers that were told."""
    if view.told is None:
        return terms
    return terms[pd.MultiIndex.from_frame(terms[NUMBER]).isin(pd.MultiIndex.from_frame(view.told.loc[view.told["count"].notna(), NUMBER]))]


def atoms_of(cells: pd.DataFrame, views: list[View]) -> Atoms:
    """The cells added up as finely as the views part them."""
    frames = [view.cells.add_prefix(f"{k} ") for k, view in enumerate(views)]
    whole = pd.concat([cells[["period", *PARTS]], *frames], axis=1)
    divisions = [f"{k} {name}" for k, view in enumerate(views) for name in view.divisions]
    classes = [name for frame in frames for name in frame if name not in divisions]
    flags = [name for name in classes if name.endswith((" after", " billed"))]
    z = whole.groupby(["period", *classes], as_index=False)[list(PARTS)].sum()
    y = whole[whole[flags].any(axis=1)].groupby([*classes, *divisions], as_index=False)[list(PARTS)].sum()
    return Atoms(z, y, classes)


def links(atoms: Atoms) -> sparse.csr_matrix:
    """What holds anyhow: the periods of a class of the treated add up to its divisions, part by part."""
    codes, uniques = pd.factorize(pd.MultiIndex.from_frame(atoms.y[atoms.classes]))
    mine = uniques.get_indexer(pd.MultiIndex.from_frame(atoms.z[atoms.classes]))
    rows, columns, signs = [], [], []
    for offset, code, sign in ((0, mine, 1.0), (len(atoms.z), codes, -1.0)):
        inside = np.flatnonzero(code >= 0)
        for j in range(len(PARTS)):
            rows.append(code[inside] * len(PARTS) + j)
            columns.append((offset + inside) * len(PARTS) + j)
            signs.append(np.full(len(inside), sign))
    shape = (len(uniques) * len(PARTS), len(atoms.x))
    return sparse.csr_matrix((np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def terms_of(atoms: Atoms, view: View, k: int) -> pd.DataFrame:
    """One row per number and atom that it adds up: view, `KEYS`, part, atom."""
    z, y = atoms.z, atoms.y
    own = {name: z[f"{k} {name}"] for name in ("side", "place", "late", "after", "billed", "then")}
    side, period, year = own["side"], z["period"].astype(str), "year=" + z["period"].dt.year.astype(str)
    both, received, online = {"counter": ("counter",), "online": ("online",)}, {"received": PARTS}, {"online": ("online",)}
    found = [
        ("design", z, side != "", "", "", "", received), ("treated", z, own["after"], "", "", "", received),
        ("span", z, side != "", side, "", np.where(own["late"], "after", "before"), both), ("side", z, side != "", side, "", period, both),
        ("place", z, own["place"] != "", side, own["place"], period, both),
        ("forgone", z, own["billed"], "", "", "", both), ("forgone", z, own["billed"], "", year, "", online),
    ]  # fmt: skip
    if view.whole:
        found += [("month", z, own["then"], "", "", period, both), ("whole", z, own["then"], "", "", "", both)]
    for name in view.divisions:
        family, _, trait = name.partition(" ")
        value = y[f"{k} {name}"]
        found.append((family, y, value != "", "", trait + "=" + value, "", online if family == "forgone" else received))
    return pd.concat([terms_in(atoms, *one) for one in found], ignore_index=True).assign(view=k)


def terms_in(atoms: Atoms, family: str, frame: pd.DataFrame, inside: object, side: object, group: object, period: object,
             told: dict[str, tuple[str, ...]]) -> pd.DataFrame:  # fmt: skip
    """The terms of one family: `told`, which parts each of its numbers adds up."""
    inside = np.asarray(inside, bool)
    keys = pd.DataFrame({"side": side, "group": group, "period": period}, index=frame.index)[inside]
    at = ((0 if frame is atoms.z else len(atoms.z)) + np.flatnonzero(inside)) * len(PARTS)
    parts = [keys.assign(family=family, part=name, atom=at + PARTS.index(part)) for name, added in told.items() for part in added]
    return pd.concat(parts, ignore_index=True)


# --- between two runs ----------------------------------------------------------------------------------------------
def late_moves(build: Build, cells: pd.DataFrame, own: View, told: Release, min_count: int) -> pd.DataFrame:
    """The numbers that moved since the last run by so few dossiers of its own periods that the difference, or what it would tell beside
    others, is not told: `KEYS`, part, moved (what is taken off them again)."""
    inside = cells["period"].astype(str) <= told.until
    numbers, register = build(cells[inside], [replace(own, cells=own.cells[inside])])
    then = numbers.merge(told.table, how="left", on=NUMBER)["count"].to_numpy(float)
    known = ~np.isnan(then)
    moved = (register.rows @ register.x)[known] - then[known]
    entry, firsts = pd.factorize(numbers.loc[known, "entry"])
    rows, few = register.rows[known], is_small(moved, min_count)
    x = some_atoms(sparse.vstack([rows, register.known]).tocsr(), np.concatenate([moved, np.zeros(register.known.shape[0])]))
    point = np.zeros(len(register.x)) if x is None else x
    both = Register(rows, entry, register.cost[firsts], np.zeros(len(firsts), bool), register.known, point)
    nothing = sparse.csr_matrix((0, len(register.x)))
    hide = hidden_entries(both, entries_with(few, both), few, nothing, min_count, -np.inf if x is None else 0.0)
    return numbers.loc[known, NUMBER].assign(moved=moved)[hide[entry]]


def told_table(numbers: pd.DataFrame, values: np.ndarray, hide: np.ndarray, last: tuple[str, Release] | None,
               moved: pd.DataFrame | None, round_to: int) -> pd.DataFrame:  # fmt: skip
    """The numbers of this study as they may leave the run, see `Release.table`. What is hidden now keeps the number told before."""
    own = numbers.assign(count=np.where(hide, np.nan, values), hide=hide)[numbers["view"] == 0].reset_index(drop=True)
    own["as_of"] = ""
    if last is not None:
        name, told = last
        then = own[NUMBER].merge(told.table, how="left", on=NUMBER)
        less = 0.0 if moved is None else own[NUMBER].merge(moved, how="left", on=NUMBER)["moved"].fillna(0.0).to_numpy()
        kept = own["hide"].to_numpy() & then["count"].notna().to_numpy()
        own["count"] = np.where(kept, then["count"], own["count"] - less)
        own["as_of"] = np.where(kept | (less != 0), name, "")
    return own.assign(count=rounded(own["count"], round_to))[[*NUMBER, "count", "as_of"]]
