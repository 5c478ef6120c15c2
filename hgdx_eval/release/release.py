"""Decides what a run tells of counts: everything that could leave it is one register (`register.py`), with what earlier runs, other
studies and released panels of the same data told; what would tell of fewer than `min_count` dossiers is hidden once, for all surfaces."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd
from scipy import sparse

from ..design.design import Design, traits_of
from ..estimation.heterogeneity import labels
from ..panel.disclosure import MERGED
from ..panel.panel import Panel
from ..panel.tidy import joined_text
from ..panel.told import KEYS, Release
from ..study.domains import domain_of
from ..study.study import Study, study_digest
from ..study.vocabulary import SIDES
from .register import Register, entries_with, hidden_entries, is_small, some_atoms

MOST, TYPICAL = 8, 20  # places of which a series is drawn; dossiers of either group in a typical period: below, a line shows chance
WORTH = {"design": 9, "treated": 9, "whole": 9, "span": 8, "month": 6, "side": 6, "size": 4, "dose": 4, "forgone": 3, "place": 0,
         "staff_whole": 8, "staff_year": 7, "staff": 5, "payment": 6, "payment_fixed": 5, "file": 0}  # fmt: skip
PARTS, STAFF, PAID = ("counter", "online"), ("remote", "assisted"), ("paid", "unpaid")
PAYMENTS = ("official_paid", "official_told", "fixed_paid", "fixed_told")
NUMBER = [*KEYS, "part"]
WHOLE = 3  # runs of which all that they told is known, see `told_last`
NOW = "9999"  # after every period


@dataclass(frozen=True)
class View:
    """How a study divides the cells. `cells`: per cell of the data side (treated, comparison; "" = not in the design), place (of which a
    series is drawn; "" = another), late (from the start on), after (treated then), billed (its fee is cut then), and one text column for
    each of the `divisions` of the treated. `whole`: whether the cells are all of the data, not the design's alone. `told`: what is told
    already; None = to be decided. `until`: the last period that the data had then. `others`: whether another study told it, to the dossier.
    Views of one study hold the same `cells`."""

    cells: pd.DataFrame
    divisions: tuple[str, ...]
    whole: bool
    told: pd.DataFrame | None = None
    until: str = NOW
    others: bool = False


@dataclass(frozen=True)
class Earlier:
    """What a published run told: its name, its numbers, the study and how it divides the present data. `own`: whether it was a run of the
    study that is to be decided, whose numbers have the same names."""

    run: str
    release: Release
    study: Study
    design: Design
    own: bool = False


@dataclass(frozen=True)
class Passed:
    """A released panel. `row`: per cell of the data the row of the file that it is in (-1: none). `staff`: rows that tell who filed.
    `fixed`: whether the file is there already."""

    row: pd.Series
    staff: frozenset[int]
    fixed: bool = True


@dataclass(frozen=True)
class Atoms:
    """The finest counts: `z`, one row per period and class of cells, and `y`, one row per class and division of the treated; then one
    column per part of `PARTS`. Sums over the periods of a class and over its divisions are the same: how the periods of a class
    spread over its divisions is told nowhere, so whatever adds up to both fits. A released panel tells it: beside one, `z` has a row per
    period, class, division and row of the file, and `y` is empty."""

    z: pd.DataFrame
    y: pd.DataFrame
    classes: list[str]

    @property
    def divided(self) -> pd.DataFrame:
        """Where the divisions stand."""
        return self.y if len(self.y) else self.z

    @property
    def x(self) -> np.ndarray:
        return np.concatenate([frame[list(PARTS)].to_numpy(float).ravel() for frame in (self.z, self.y)])


Built = tuple[
    pd.DataFrame, Register
]  # one row per number that could be told (view, KEYS, part, told, entry); the register of the same rows
Build = Callable[[pd.DataFrame, list[View], tuple[Passed, ...]], Built]


def release_of(
    panel: Panel, p: Study, design: Design, earlier: tuple[Earlier, ...] = (), files: tuple[pd.DataFrame, ...] = ()
) -> Release | None:
    """What may be told of a study's dossiers; None where it counts none.

    `earlier`: what published runs told, those of this study in their order; `files`: the rows of released panels, or the cells of packages,
    of the very same data.
    """
    if not design.table["denominator"].notna().all():
        return None
    cells, earlier = counts_of(panel, p, design), told_last(earlier)
    views = views_of(cells, panel, [(p, design), *((told.study, told.design) for told in earlier)])
    views = [views[0], *(view_then(view, told) for view, told in zip(views[1:], earlier, strict=True))]
    passed = tuple(passed_on(panel.cells.loc[cells.index], rows) if all_cells(p) else cells_passed(cells, rows) for rows in files)
    builds = [counts_register, *([staff_register] if "assisted" in cells else []), *([payments_register] if "cut" in cells else [])]
    own = [told for told in earlier if told.own]
    table = pd.concat([decided(build, cells, views, passed, own, p) for build in builds], ignore_index=True)
    if views[0].cells["billed"].any():
        table = pd.concat([table, amounts_told(table, panel, p, design, own)], ignore_index=True)
    kept = bool((table["as_of"] != "").any())
    table = table.sort_values(NUMBER, ignore_index=True)
    return Release(table, study_digest(p), str(cells["period"].max()), p.min_count, p.round_to or 1, kept)


def told_last(earlier: tuple[Earlier, ...]) -> tuple[Earlier, ...]:
    """Of the last `WHOLE` runs of each study all that they told, of older ones what no later run has told again: so that a study's register
    grows no more once it has run that often."""
    found: list[Earlier] = []
    for _, runs in groupby(earlier, key=lambda told: told.study.study):
        seen, kept = pd.MultiIndex.from_arrays([[]] * len(NUMBER)), []
        for age, run in enumerate(reversed(list(runs))):
            table = run.release.table[run.release.table["count"].notna()]
            at = pd.MultiIndex.from_frame(table[NUMBER])
            kept.append(run if age < WHOLE else replace(run, release=replace(run.release, table=table[~at.isin(seen)])))
            seen = seen.union(at) if len(seen) else at.unique()
        found += [run for run in reversed(kept) if len(run.release.table)]
    return tuple(found)


def view_then(view: View, told: Earlier) -> View:
    """What a run told, as its study divides the cells."""
    release = told.release
    return replace(view, told=release.table, until=release.until, others=not told.own and release.round_to == 1)


def views_of(cells: pd.DataFrame, panel: Panel, studies: list[tuple[Study, Design]]) -> list[View]:
    """How each study divides the cells; runs of one study share what they have in common."""
    made: dict[str, View] = {}
    for study, design in studies:
        key = study_digest(study)
        made[key] = made[key] if key in made else view_of(cells, panel, study, design)
    return [made[study_digest(study)] for study, _ in studies]


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


def decided(build: Build, cells: pd.DataFrame, views: list[View], passed: tuple[Passed, ...], own: list[Earlier], p: Study) -> pd.DataFrame:
    """The numbers of one register as they may be told, see `Release.table`. `own`: what runs of this study told, oldest first."""
    numbers, register = build(cells, views, passed)
    numbers, register, moved_since = without_moved(numbers, register, views, p.min_count)
    values = register.rows @ register.x
    few = is_small(values, p.min_count)
    first = entries_with(few | hidden_then(numbers, cells, own), register)
    secret = sparse.vstack([small_atoms(register.x, p.min_count), moved_since]).tocsr()
    hide = hidden_entries(register, first, few, secret, p.min_count)
    exact = (
        [told.release for told in own if told.release.round_to == 1] if not p.round_to else []
    )  # what is rounded tells no difference of few
    moved = late_moves(build, cells, views[0], exact, p.min_count) if exact else None
    return told_table(numbers, values, hide[register.entry], newest(own), moved, p.round_to or 1)


def without_moved(
    numbers: pd.DataFrame, register: Register, views: list[View], min_count: int
) -> tuple[pd.DataFrame, Register, sparse.csr_matrix]:
    """(numbers, register without those that other studies told when they were few dossiers more or less; the rows of these, of which the
    present value must not be told: the difference is what came late). Of this study's own runs see `late_moves`."""
    others = numbers["view"].map(lambda k: k > 0 and views[k].others).to_numpy(bool)
    moved = others & is_small(register.rows @ register.x - numbers["told"].to_numpy(float), min_count)
    kept = replace(register, rows=register.rows[~moved], entry=register.entry[~moved])
    return numbers[~moved].reset_index(drop=True), kept, register.rows[moved]


def newest(own: list[Earlier]) -> pd.DataFrame:
    """What this study's runs told of each number last: `NUMBER`, count, run (its name), until."""
    parts = [told.release.table[[*NUMBER, "count"]].assign(run=told.run, until=told.release.until) for told in reversed(own)]
    if not parts:
        return pd.DataFrame(columns=[*NUMBER, "count", "run", "until"]).astype({"count": float})
    told = pd.concat(parts, ignore_index=True)
    return told[told["count"].notna()].drop_duplicates(NUMBER, ignore_index=True)


def amounts_told(table: pd.DataFrame, panel: Panel, p: Study, design: Design, own: list[Earlier]) -> pd.DataFrame:
    """The amounts that go with the told counts of dossiers whose fee is cut: an amount is hidden, an earlier run's or without what came
    late exactly where its count is."""
    domain, design = domain_of(p), replace(design, release=None)
    sums = domain.amounts(p, panel, design, None)
    dossiers = sums[KEYS].merge(table[table["part"] == "online"], on=KEYS, how="left")
    sums["as_of"] = dossiers["as_of"]
    sums["count"] = sums["count"].where(dossiers["count"].notna())
    then = sums[NUMBER].merge(newest(own), on=NUMBER, how="left")
    counted = sums[KEYS].merge(newest(own).query("part == 'online'"), on=KEYS, how="left")["count"]
    for until in sorted(then.loc[then["count"].notna(), "until"].unique()):
        same = sums[NUMBER].merge(domain.amounts(p, panel, design, until), on=NUMBER, how="left")["count"].fillna(0.0)
        older = (sums["as_of"] != "") & then["count"].notna() & (then["until"] == until)
        sums["count"] = sums["count"].mask(older, then["count"].where(dossiers["count"] == counted, sums["count"] - same + then["count"]))
    return sums[[*NUMBER, "count", "as_of"]]


def hidden_then(numbers: pd.DataFrame, cells: pd.DataFrame, own: list[Earlier]) -> np.ndarray:
    """Which numbers the last run hid, where no period has come since: one that appears would tell that its cells have moved."""
    if not own or str(cells["period"].max()) != own[-1].release.until:
        return np.zeros(len(numbers), bool)
    then = numbers[NUMBER].merge(own[-1].release.table.assign(there=True), on=NUMBER, how="left")
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
    cells = dossier_cells(panel)
    frame = pd.concat([named_cells(panel.cells.loc[cells.index], p), cells], axis=1)
    besides = domain_of(p).counted_besides(p, panel, design)
    return frame if besides is None else frame.join(besides)


def dossier_cells(panel: Panel) -> pd.DataFrame:
    """The cells of an export in which a dossier came in: period, counter, online, and where the data tell it remote and assisted."""
    cells = panel.cells[panel.cells["received"] > 0]
    frame = pd.DataFrame({"period": cells["period"], "counter": cells["received"] - cells["online"], "online": cells["online"]})
    if "assisted" in cells and cells["assisted"].sum():
        frame = frame.assign(remote=cells["online"] - cells["assisted"], assisted=cells["assisted"])
    return frame


def named_cells(cells: pd.DataFrame, p: Study) -> pd.DataFrame:
    """unit, time, group of an export's cells, as the study's own table has them."""
    return pd.DataFrame({"unit": joined_text(cells, p.unit_columns), "time": cells["period"].array.asi8,
                         "group": cells[p.group].astype(str) if p.group else ""})  # fmt: skip


def view_of(cells: pd.DataFrame, panel: Panel, p: Study, design: Design) -> View:
    """How a study divides the cells of the data."""
    at = ["unit", "time", "group"]  # several procedures of an agency may be one of its units: they are of one side then
    named = named_cells(panel.cells.loc[cells.index], p) if all_cells(p) else cells[at]
    own = design.table.drop_duplicates(at).set_index(at)[["treated_from", "treated", "cluster"]]
    found = own.reindex(pd.MultiIndex.from_frame(named)).set_axis(cells.index)
    inside, drawn = found["treated"].notna(), places_drawn(design)
    side = found["treated_from"].notna().map(SIDES)
    made = pd.DataFrame({
        "side": np.where(inside, side, ""), "place": found["cluster"].astype(str).where(inside & found["cluster"].isin(drawn), ""),
        "late": named["time"] >= found["treated_from"].fillna(design.start.ordinal), "after": inside & (found["treated"] == True),  # noqa: E712
        "billed": False,
    }, index=cells.index)  # fmt: skip
    for name, of_unit in divisions_of(design).items():
        made[name] = named["unit"].map(of_unit).fillna("").astype(str).where(made["after"], "")
    billed = domain_of(p).cells_billed(p, panel, design)
    if len(billed):
        made["billed"] = cells.index.isin(billed)
        for name in ("level", "procedure", "agency"):
            made[f"forgone {name}"] = panel.cells[name].reindex(cells.index).astype(str).where(made["billed"], "")
    return View(made, tuple(name for name in made if " " in name), all_cells(p))


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


def passed_on(cells: pd.DataFrame, rows: pd.DataFrame, fixed: bool = True) -> Passed:
    """Which row of a released panel each cell of an export is in: of those that fit the most particular one."""
    given = [name for name in ("agency", "procedure", "cluster", "fee_group") if name in rows]
    wide = {"agency": ("agency", "procedure"), "cluster": ("cluster",), "fee_group": ("fee_group",)}
    at = pd.MultiIndex.from_frame(rows[[*given, "period"]])
    found, named = np.full(len(cells), -1), cells[given].astype(str).assign(period=cells["period"].astype(str))
    own = [named, named.assign(procedure=MERGED)] if "procedure" in given else [named]
    for steps in (("agency",), ("agency", "cluster"), ("agency", "cluster", "fee_group")):
        gone = [name for step in steps for name in wide[step] if name in given]
        own.append(named.assign(**dict.fromkeys(gone, MERGED)))
    for frame in own:
        found = np.where(found < 0, at.get_indexer(pd.MultiIndex.from_frame(frame[[*given, "period"]])), found)
    staff = frozenset(np.flatnonzero(rows["assisted"].notna()).tolist()) if "assisted" in rows else frozenset()
    return Passed(pd.Series(found, index=cells.index), staff, fixed)


def cells_passed(cells: pd.DataFrame, rows: pd.DataFrame) -> Passed:
    """Which of the cells that a package told each cell of a design is."""
    at = pd.MultiIndex.from_frame(rows[["unit", "period"]])
    asked = pd.MultiIndex.from_arrays([cells["unit"].astype(str), cells["period"].astype(str)])
    return Passed(pd.Series(at.get_indexer(asked), index=cells.index), frozenset())


# --- registers -----------------------------------------------------------------------------------------------------
def counts_register(cells: pd.DataFrame, views: list[View], passed: tuple[Passed, ...]) -> Built:
    """The register of dossiers filed online and at the counter."""
    atoms = atoms_of(cells, views, passed)
    terms = [terms_of(atoms, view, base) for view, base in zip(views, bases(views), strict=True)]
    rows = [rows_of_file(atoms.z, passed[j], j, PARTS) for j in range(len(passed))]
    return register_of(terms, views, rows, links(atoms), atoms.x)


def staff_register(cells: pd.DataFrame, views: list[View], passed: tuple[Passed, ...]) -> Built:
    """The register of who filed: dossiers filed remotely and entered by staff by period, where those filed online are known."""
    files = {f"file {j}": file.row.reindex(cells.index) for j, file in enumerate(passed)}
    months = cells.assign(**files).groupby(["period", *files], as_index=False)[list(STAFF)].sum()
    period, at, terms = months["period"].astype(str), np.arange(len(months)) * 2, []
    for view in views:
        keys = pd.DataFrame({"side": "", "group": "", "period": period})[period <= view.until]
        named = [keys.assign(family="staff"), keys.assign(family="staff_year", period=keys["period"].str[:4]),
                 keys.assign(family="staff_whole", period="")]  # fmt: skip
        terms.append(pd.concat([one.assign(part=part, atom=at[one.index] + j) for one in named for j, part in enumerate(STAFF)]))
    rows = [rows_of_file(months[months[f"file {j}"].isin(file.staff)], file, j, STAFF) for j, file in enumerate(passed)]
    online = sparse.kron(sparse.identity(len(months)), np.ones((1, 2))).tocsr()
    return register_of(terms, views, rows, online, months[list(STAFF)].to_numpy(float).ravel())


def payments_register(cells: pd.DataFrame, views: list[View], passed: tuple[Passed, ...]) -> Built:
    """The register of what the two rates of online payment count, by period: paid online and not, of those whose fee is cut and of others;
    of each group those that only the official rate counts apart. Released panels tell none of it."""
    months = cells.groupby(["period", "cut"], as_index=False)[list(PAYMENTS)].sum()
    fixed = months[["fixed_paid", "fixed_told"]].to_numpy(float)
    both = months[["official_paid", "official_told"]].to_numpy(float)
    inside, outside = (np.column_stack([part[:, 0], part[:, 1] - part[:, 0]]) for part in (fixed, both - fixed))
    period, n, terms = months["period"].astype(str), len(months) * len(PAID), []
    for view in views:
        mine = period <= view.until
        keys = pd.DataFrame({"side": "", "group": "", "period": period})[mine]
        at = np.arange(len(months))[mine] * len(PAID)
        group = np.where(months.loc[mine, "cut"], "cut", "other")
        named = [keys.assign(family="payment", at=at), keys.assign(family="payment", at=at + n),
                 keys.assign(family="payment_fixed", group=group, at=at)]  # fmt: skip
        terms.append(pd.concat([one.assign(part=part, atom=one["at"] + j) for one in named for j, part in enumerate(PAID)]))
    return register_of(terms, views, [], sparse.csr_matrix((0, 2 * n)), np.concatenate([inside.ravel(), outside.ravel()]))


def rows_of_file(atoms: pd.DataFrame, file: Passed, j: int, parts: tuple[str, ...]) -> pd.DataFrame:
    """The terms of the rows of a released panel. `atoms`: period, the row of this file (`file j`); its index says which atom."""
    inside = atoms[atoms[f"file {j}"] >= 0]
    keys = pd.DataFrame({"family": "file", "side": "", "group": inside[f"file {j}"].astype(str), "period": inside["period"].astype(str)})
    keys = keys.assign(view=-1 - j, fixed=file.fixed, told=np.nan)
    return pd.concat([keys.assign(part=part, atom=inside.index * len(parts) + i) for i, part in enumerate(parts)])


def register_of(terms: list[pd.DataFrame], views: list[View], files: list[pd.DataFrame], known: sparse.csr_matrix, x: np.ndarray) -> Built:
    """`terms`: per view one row per number and atom that it adds up; `files`: the same of released panels."""
    named = [told_already(part, view).assign(view=k) for k, (part, view) in enumerate(zip(terms, views, strict=True))]
    whole = pd.concat([*named, *files], ignore_index=True)
    row, firsts = pd.factorize(pd.MultiIndex.from_frame(whole[["view", *NUMBER]]))
    rows = sparse.csr_matrix((np.ones(len(whole)), (row, whole["atom"])), shape=(len(firsts), len(x)))
    numbers = firsts.to_frame(index=False, name=["view", *NUMBER])
    at = np.unique(row, return_index=True)[1]
    numbers = numbers.assign(told=whole["told"].to_numpy()[at], fixed=whole["fixed"].to_numpy(bool)[at])
    once = ~(numbers["fixed"] & numbers.assign(atoms=written_rows(rows)).duplicated([*NUMBER, "told", "fixed", "atoms"])).to_numpy()
    rows, numbers = rows[once], numbers[once].reset_index(drop=True)
    numbers["entry"] = pd.factorize(pd.MultiIndex.from_frame(numbers[["view", *KEYS]]))[0]
    first = numbers.drop_duplicates("entry")
    cost = first["family"].map(WORTH).to_numpy() * 1e9 + np.bincount(numbers["entry"], rows @ x)
    return numbers, Register(rows, numbers["entry"].to_numpy(), cost, first["fixed"].to_numpy(), known, x)


def written_rows(rows: sparse.csr_matrix) -> list[bytes]:
    """Each row as the atoms that it adds up: what several runs told of the same cells is known once."""
    rows = rows.copy()
    rows.sort_indices()
    return [rows.indices[start:end].tobytes() for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]


def told_already(terms: pd.DataFrame, view: View) -> pd.DataFrame:
    """All terms of a view that is to be decided; else those of the numbers that were told, with what was told."""
    if view.told is None:
        return terms.assign(told=np.nan, fixed=False)
    told = view.told[view.told["count"].notna()].set_index(NUMBER)["count"]
    at = told.index.get_indexer(pd.MultiIndex.from_frame(terms[NUMBER]))
    return terms.assign(told=told.to_numpy()[at] if len(told) else np.nan, fixed=True)[at >= 0]


def bases(views: list[View]) -> list[int]:
    """Of each view the first that divides the cells as it does."""
    return [next(k for k, other in enumerate(views) if other.cells is view.cells) for view in views]


def atoms_of(cells: pd.DataFrame, views: list[View], passed: tuple[Passed, ...]) -> Atoms:
    """The cells added up as finely as the views and the released panels part them."""
    apart = sorted(set(bases(views)))
    untils = sorted({NOW, *(view.until for view in views)})
    era = np.array(untils)[np.searchsorted(untils, cells["period"].astype(str))]  # which runs had a period
    frames = [views[k].cells.add_prefix(f"{k} ") for k in apart]
    whole = pd.concat([cells[["period", *PARTS]].assign(era=era), *frames], axis=1)
    divisions = [f"{k} {name}" for k in apart for name in views[k].divisions]
    classes = ["era", *(name for frame in frames for name in frame if name not in divisions)]
    if passed:
        files = {f"file {j}": file.row.reindex(cells.index) for j, file in enumerate(passed)}
        z = whole.assign(**files).groupby(["period", *classes, *divisions, *files], as_index=False)[list(PARTS)].sum()
        return Atoms(z, z.iloc[:0], classes)
    flags = [name for name in classes if name.endswith((" after", " billed"))]
    z = whole.groupby(["period", *classes], as_index=False)[list(PARTS)].sum()
    y = whole[whole[flags].any(axis=1)].groupby([*classes, *divisions], as_index=False)[list(PARTS)].sum()
    return Atoms(z, y, classes)


def links(atoms: Atoms) -> sparse.csr_matrix:
    """What holds anyhow: the periods of a class of the treated add up to its divisions, part by part."""
    if not len(atoms.y):
        return sparse.csr_matrix((0, len(atoms.x)))
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
    """One row per number and atom that it adds up: `KEYS`, part, atom. `k`: whose columns of the atoms divide them as the view does."""
    z, y = atoms.z, atoms.divided
    own = {name: z[f"{k} {name}"] for name in ("side", "place", "late", "after", "billed")}
    then, then_divided = z["era"] <= view.until, y["era"] <= view.until
    side, period, year = own["side"], z["period"].astype(str), "year=" + z["period"].dt.year.astype(str)
    inside, after, billed = then & (side != ""), then & own["after"], then & own["billed"]
    both, received, online = {"counter": ("counter",), "online": ("online",)}, {"received": PARTS}, {"online": ("online",)}
    found = [
        ("design", z, inside, "", "", "", received), ("treated", z, after, "", "", "", received),
        ("span", z, inside, side, "", np.where(own["late"], "after", "before"), both), ("side", z, inside, side, "", period, both),
        ("place", z, then & (own["place"] != ""), side, own["place"], period, both),
        ("forgone", z, billed, "", "", "", both), ("forgone", z, billed, "", year, "", online),
    ]  # fmt: skip
    if view.whole:
        found += [("month", z, then, "", "", period, both), ("whole", z, then, "", "", "", both)]
    for name in view.divisions:
        family, _, trait = name.partition(" ")
        value = y[f"{k} {name}"]
        found.append((family, y, then_divided & (value != ""), "", trait + "=" + value, "", online if family == "forgone" else received))
    return pd.concat([terms_in(atoms, *one) for one in found], ignore_index=True)


def terms_in(atoms: Atoms, family: str, frame: pd.DataFrame, inside: object, side: object, group: object, period: object,
             told: dict[str, tuple[str, ...]]) -> pd.DataFrame:  # fmt: skip
    """The terms of one family: `told`, which parts each of its numbers adds up."""
    inside = np.asarray(inside, bool)
    keys = pd.DataFrame({"side": side, "group": group, "period": period}, index=frame.index)[inside]
    at = ((0 if frame is atoms.z else len(atoms.z)) + np.flatnonzero(inside)) * len(PARTS)
    parts = [keys.assign(family=family, part=name, atom=at + PARTS.index(part)) for name, added in told.items() for part in added]
    return pd.concat(parts, ignore_index=True)


# --- between two runs ----------------------------------------------------------------------------------------------
def late_moves(build: Build, cells: pd.DataFrame, own: View, told: list[Release], min_count: int) -> pd.DataFrame:
    """The numbers that moved since a run told them last by so few dossiers of its own periods that the difference, or what it would tell
    beside others, is not told: `NUMBER`, moved (what is taken off them again). `told`: by the runs, oldest first.

    The unknowns are what came after each of the runs, period by period of theirs.
    """
    fresh, seen = [], pd.MultiIndex.from_arrays([[]] * len(NUMBER))
    for release in reversed(told):
        table = release.table[release.table["count"].notna()]
        at = pd.MultiIndex.from_frame(table[NUMBER])
        new = table[~at.isin(seen)]
        seen = at if not len(seen) else seen.union(at)
        fresh += [replace(own, told=new, until=release.until)] if len(new) else []
    numbers, register = build(cells, fresh, ())
    moved = register.rows @ register.x - numbers["told"].to_numpy(float)
    steps = [sparse.csr_matrix((numbers["view"] >= k).to_numpy(float)).T for k in range(len(fresh))]
    rows = sparse.hstack([register.rows.multiply(step) for step in steps]).tocsr()
    known = sparse.block_diag([register.known] * len(fresh)).tocsr() if register.known.shape[0] else sparse.csr_matrix((0, rows.shape[1]))
    few = is_small(moved, min_count)
    x = some_atoms(sparse.vstack([rows, known]).tocsr(), np.concatenate([moved, np.zeros(known.shape[0])]))
    point = np.zeros(rows.shape[1]) if x is None else x
    both = Register(rows, register.entry, register.cost, np.zeros(len(register.cost), bool), known, point)
    nothing = sparse.csr_matrix((0, rows.shape[1]))
    hide = hidden_entries(both, entries_with(few, both), few, nothing, min_count, -np.inf if x is None else 0.0)
    return numbers[NUMBER].assign(moved=moved)[hide[register.entry]]


def told_table(numbers: pd.DataFrame, values: np.ndarray, hide: np.ndarray, then: pd.DataFrame, moved: pd.DataFrame | None,
               round_to: int) -> pd.DataFrame:  # fmt: skip
    """The numbers of this study as they may leave the run, see `Release.table`. What is hidden now keeps the number told before."""
    own = numbers.assign(count=np.where(hide, np.nan, values), hide=hide)[numbers["view"] == 0].reset_index(drop=True)
    before = own[NUMBER].merge(then, how="left", on=NUMBER)
    less = 0.0 if moved is None else own[NUMBER].merge(moved, how="left", on=NUMBER)["moved"].fillna(0.0).to_numpy()
    kept = own["hide"].to_numpy() & before["count"].notna().to_numpy()
    own["count"] = np.where(kept, before["count"], own["count"] - less)
    own["as_of"] = np.where(kept | (less != 0), before["run"], "")
    return own.assign(count=rounded(own["count"], round_to))[[*NUMBER, "count", "as_of"]]
