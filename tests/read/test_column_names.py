"""A user's columns and the kit's own never meet: any column of a tidy table may bear any name that the kit uses inside."""

import ast
import csv
import json
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from in_process import command
from made_up import made_up_table
from monte_carlo import MANY

from hgdx_eval.base.errors import InputError, Refusal
from hgdx_eval.base.safe_text import header_key
from hgdx_eval.base.telling import is_header
from hgdx_eval.design import design
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation import results
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.heterogeneity import dose_response, effects_by_group, reversal
from hgdx_eval.estimation.results import joined
from hgdx_eval.evaluation.evaluation import evaluate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.report.show_methods import show_groups_of, traits
from hgdx_eval.study.load import read_study, study_file
from hgdx_eval.study.study import SPECIAL, Study
from hgdx_eval.study.vocabulary import estimator_names
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import check_file
from hgdx_eval.vietnam.dossier_panel import dossier_study_columns
from hgdx_eval.vietnam.made_up_world import simulate_cells
from hgdx_eval.vietnam.questions.cost import why_none as no_cost
from hgdx_eval.vietnam.questions.gaps import who_of
from hgdx_eval.vietnam.questions.payment import why_none as no_payment
from hgdx_eval.vietnam.questions.scorecard import own_items

PACKAGE = Path(design.__file__).parent.parent
CUT = ("unit", "period", "time", "row", "y", "weight", "weights", "received", "online", "cluster", "effect", "block", "group", "dose", "treated",
       "treated_from", "treated_until", "event_time", "outcome", "numerator", "denominator", "period_by", "unit_effects", "by", "by_kind", "unit 1")  # fmt: skip
ODD = ["UNIT", "Time", "rOw", "by_unit", "by_by_kind", "_unit", "_", "column 0", "column0", "c0", "place", "passed", "file_row_number", "index",
       "level_0", "0", "nan", "None", "gaps", "a.b", 'a "quoted" name', "it's", "two  words", "a;b,c", "a=b", "{unit}", "$x", "50%", "tỷ lệ",
       "select", "a\nb"]  # fmt: skip
COUNTS = {"unit": ["place", "code"], "period": "month", "numerator": "yes", "denominator": "all", "weights": "heft", "treated_from": "start",
          "treated_until": "end", "cluster": "area", "period_by": "side", "unit_effects": "own", "group": "sort", "dose": "fee_cut",
          "by": ["kind", "zone"]}  # fmt: skip
OUTCOME = {"unit": "place", "period": "month", "outcome": "score", "treated": "on", "cluster": "area", "by": ["kind"]}


def table():
    """Four units in each of six areas over fourteen months, two of them treated; what a study can name, under plain names."""
    rows = made_up_table(3, clusters=6)
    number = rows["unit"].str[3:].astype(int)
    month = pd.PeriodIndex.from_ordinals(rows["time"], freq="M").astype(str)
    start = pd.PeriodIndex.from_ordinals(rows["treated_from"].fillna(0).astype(int), freq="M").astype(str)
    switched_off = (rows["unit"] == "c0u0").map({True: "2023-01", False: ""})
    return pd.DataFrame({
        "place": rows["unit"], "code": "7." + number.astype(str), "month": month, "yes": rows["numerator"], "all": rows["denominator"],
        "heft": rows["denominator"] + 3 * number, "start": start.where(rows["treated_from"].notna(), ""), "end": switched_off,
        "area": rows["cluster"], "side": "s" + (number % 2).astype(str), "own": rows["unit"] + "!", "sort": "g" + (number // 2).astype(str),
        "kind": (rows["cluster"].str[1:].astype(int) % 2).map({0: "50000", 1: "free"}), "zone": "z" + (number % 2).astype(str),
        "half": start.where((rows["cluster"] < "c3") & rows["treated_from"].notna(), ""), "region": rows["cluster"],
        "single": start.where(rows["unit"] == "c0u0", ""), "fee_cut": 10.0 * (1 + number), "score": 10 * rows["numerator"] / rows["denominator"],
        "on": (rows["time"] >= rows["treated_from"]).astype(int),
    })  # fmt: skip


THREE = {"unit": "place", "period": "month", "numerator": "yes", "denominator": "all", "treated_from": "half", "cluster": "area", "period_by": "region",
         "group": "sort", "by": []}  # fmt: skip
ONE = {"unit": "place", "period": "month", "outcome": "score", "treated_from": "single", "cluster": "own", "by": []}
WORKERS = {"assign", "agg", "groupby", "sort_values", "set_index", "drop", "drop_duplicates", "duplicated", "rename", "merge", "pivot", "DataFrame",
           "insert", "pop", "get", "itertuples", "reindex", "melt"}  # fmt: skip
PLAIN = table()


def used(roles):
    """The columns that are named, each once."""
    return list(dict.fromkeys(name for names in roles.values() for name in ([names] if isinstance(names, str) else names)))


def study(path, roles, called, **more):
    """A study of the plain table whose columns are called otherwise, checked as one that is read."""
    named = {key: called[name] if isinstance(name, str) else [called[one] for one in name] for key, name in roles.items()}
    given = {"study": "t", "data": str(path), "frequency": "M", "estimator": "two_way_fixed_effects", **named, **more}
    file = path.with_suffix(".yaml")
    file.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
    return read_study(file, {})


def panel_of(folder, roles, names, suffix=".csv", **more):
    """(panel, study) of the plain table under other names, in the order of `used(roles)`."""
    called = dict(zip(used(roles), names, strict=True))
    path, frame = folder / f"t{suffix}", pd.DataFrame({own: PLAIN[name.removesuffix(" again")] for name, own in called.items()})
    if suffix == ".csv":
        frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    elif suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif suffix == ".json":
        path.write_text(frame.to_json(orient="records", force_ascii=False), encoding="utf-8")
    else:
        duckdb.sql("FROM frame").write_parquet(str(path))
    p = study(path, roles, called, **more)
    return load_panel(p), p


@cache
def names_inside():
    """Every name that code which knows tables gives a column, keys of a study and odd ones: texts in square brackets, keywords of
    `assign` and `agg`, texts given to what works on columns, keys of maps that become tables."""
    found = {*design.COLUMNS, *results.COLUMNS, *Study.model_fields, *CUT}
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "import pandas" in text else ():
            inside = [node.slice] if isinstance(node, ast.Subscript) else []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WORKERS:
                found |= {keyword.arg for keyword in node.keywords if keyword.arg}
                inside = node.args
            found |= {
                leaf.value for part in inside for leaf in ast.walk(part) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            }
    known = {header_key(name): name for name in sorted(found) if re.fullmatch(r"[\w ]{1,40}", name) and name == name.strip()}
    odd = [name for name in ODD if header_key(name) not in known or name != known[header_key(name)]]
    return [name for key, name in known.items() if key not in (*SPECIAL, "none", "")] + odd  # weights: none means no weights


def same(found, expected, roles):
    """Panel and study under other names give the plain cells and the plain design (`expected`), to the last digit."""
    (panel, p), (plain, other) = found, expected
    called = {f"by_{own}": f"by_{name}" for own, name in zip(p.by, roles["by"])}
    pd.testing.assert_frame_equal(panel.cells.rename(columns=called), plain.cells)
    design = study_design(panel, p)
    for part in ("table", "ended", "set_aside"):
        pd.testing.assert_frame_equal(getattr(design, part), getattr(other, part))
    pd.testing.assert_frame_equal(design.traits.rename(columns=called), other.traits)


def plain_of(folder, roles, suffix=".csv"):
    """(panel, design) of the table under its own names."""
    panel, p = panel_of(folder, roles, used(roles), suffix)
    return panel, study_design(panel, p)


def turns(names, roles, shifts):
    """Names for every column of `roles`, from each place of the list on."""
    found = [[names[(shift + i) % len(names)] for i in range(len(used(roles)))] for shift in shifts]
    assert all(len(set(map(header_key, own))) == len(own) for own in found)
    return found


# --- the numbers do not move ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [COUNTS, pytest.param(OUTCOME, marks=pytest.mark.long)], ids=["counts", "outcome"])
def test_every_name_inside_may_be_a_column_and_nothing_moves(tmp_path, roles):
    names, plain = names_inside(), plain_of(tmp_path, roles)
    assert {"unit", "time", "row", "y", "by_kind", "_unit", "slot", "cohort", "UNIT"} <= set(names)
    for own in turns(names, roles, range(0, len(names), len(used(roles)))):
        same(panel_of(tmp_path, roles, own), plain, roles)


def test_names_of_the_working_columns_may_stand_under_every_key(tmp_path):
    plain = plain_of(tmp_path, COUNTS)
    for own in turns(CUT, COUNTS, range(len(CUT))):
        same(panel_of(tmp_path, COUNTS, own), plain, COUNTS)


@pytest.mark.long
@pytest.mark.parametrize("roles", [COUNTS, OUTCOME], ids=["counts", "outcome"])
def test_every_name_inside_may_stand_under_every_key(tmp_path, roles):
    names, plain = names_inside(), plain_of(tmp_path, roles)
    for own in turns(names, roles, range(0, len(names), 1 if MANY else 7)):
        same(panel_of(tmp_path, roles, own), plain, roles)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".xlsx"])
def test_names_of_the_readers_may_be_columns_of_every_kind_of_file(tmp_path, suffix):
    plain = plain_of(tmp_path, OUTCOME)
    for own in (["row", "place", "passed", "column0", "c0", "file_row_number"], ["C1", "Row", "gap", "frame", "usable", "raw"]):
        same(panel_of(tmp_path, OUTCOME, own, suffix), plain, OUTCOME)


@pytest.mark.parametrize(("roles", "names", "reached"), [
    (COUNTS, ["unit", "time", "period", "numerator", "denominator", "weight", "treated_from", "event_time", "cluster", "block", "effect", "group", "dose",
              "y", "fee"], {"two_way_fixed_effects", "callaway_santanna", "imputation", "sun_abraham"}),
    (OUTCOME, ["cluster", "time", "y", "treated", "unit", "a=b"], {"structural_time_series", "interrupted_time_series"}),
    (ONE, ["cluster", "event_time", "unit", "time", "effect"], {"synthetic_did", "synthetic_control", "augmented_synthetic_control"}),
    (THREE, ["unit", "time", "denominator", "numerator", "treated_until", "y", "group", "row"], {"triple_difference", "grouped_logit"}),
], ids=["counts", "outcome", "one", "three"])  # fmt: skip
def test_every_estimator_gives_the_same_under_such_names(tmp_path, roles, names, reached):
    told, met = numbers_of(*panel_of(tmp_path, roles, names))
    plain, _ = numbers_of(*panel_of(tmp_path, roles, used(roles)))
    pd.testing.assert_frame_equal(told, plain)
    assert reached <= met


def numbers_of(panel, p):
    """(results of every estimator, of groups, dose and reversal, without what names the outcome and its traits; who was not refused)."""
    design = study_design(panel, p)
    tables = [part.table for part in (effects_by_group(design), dose_response(design), reversal(design)) if part is not None]
    met = set()
    for name in estimator_names():
        with suppress(Refusal):
            tables.append(estimate(design, name).table)
            met.add(name)
    assert no_cost(panel, p) == no_payment(panel, p) == "none_policy" and who_of(panel, p, design).reason == "no_dossiers"
    told = pd.concat(tables, ignore_index=True)
    return told.assign(outcome="", group=told["group"].str.partition("=")[2]), met


@pytest.mark.long
def test_a_whole_run_under_such_names_publishes_the_same_numbers(tmp_path):
    roles = {
        key: COUNTS[key] for key in ("unit", "period", "numerator", "denominator", "treated_from", "treated_until", "cluster", "by", "dose")
    }
    published = {}
    for folder, names in (("plain", used(roles)), ("ours", ["unit", "time", "period", "assisted", "paying", "treated_from", "fee", "procedure", "agency",
                                                           "received", "remote"])):  # fmt: skip
        (tmp_path / folder).mkdir()
        panel_of(tmp_path / folder, roles, names, estimators=["imputation"])
        done = command("run", "t.yaml", "--out", "out", "--lang", "en", cwd=tmp_path / folder)
        assert done.returncode == 0, done.stderr[-2000:]
        (file,) = (tmp_path / folder / "out").glob("t/2*/estimates.csv")
        table = pd.read_csv(file)
        published[folder] = table.assign(outcome="", group=table["group"].astype(str).str.partition("=")[2])
    pd.testing.assert_frame_equal(published["ours"], published["plain"])


@pytest.mark.long
def test_every_check_gives_the_same_under_such_names(tmp_path):
    found, plain = (evaluate(study_design(*made), made[1]) for made in (
        panel_of(tmp_path, OUTCOME, names, estimators=estimator_names())
        for names in (["unit", "time", "y", "treated", "event_time", "cluster"], used(OUTCOME))))  # fmt: skip
    pd.testing.assert_frame_equal(*(joined(one.all).assign(outcome="") for one in (found, plain)))
    assert (found.verdict, found.checks, found.rank) == (plain.verdict, plain.checks, plain.rank)


@pytest.mark.parametrize("name", ["fee", "a=b", "level"])
def test_a_trait_may_bear_any_name_and_hold_any_text(tmp_path, name):
    groups = effects_by_group(study_design(*panel_of(tmp_path, OUTCOME, [*used(OUTCOME)[:-1], name])))
    (trait,) = traits(groups)
    shown = show_groups_of(groups, trait, Words("en")).html
    assert trait == name.replace("=", "＝") and "free" in shown and re.search("50,?000", shown)


def test_a_table_that_says_what_it_measures_is_scored_whatever_its_columns_are_called(tmp_path):
    told = {}
    for names in (("yes", "all"), ("online", "received"), ("denominator", "numerator")):
        frame = (
            PLAIN[["place", "month", "yes", "all", "start"]]
            .set_axis(["place", "month", *names, "start"], axis=1)
            .assign(definition="online_share")
        )
        frame.to_csv(tmp_path / "t.csv", index=False)
        roles = {
            "unit": "place",
            "period": "month",
            "numerator": names[0],
            "denominator": names[1],
            "treated_from": "start",
            "cluster": "place",
        }
        p = study(tmp_path / "t.csv", roles, {name: name for name in used(roles)})
        told[names] = own_items(load_panel(p), p)
    assert len(told["yes", "all"]) == 1 and told["yes", "all"] == told["online", "received"] == told["denominator", "numerator"]


# --- one column under two keys, one key with two columns -----------------------------------------------------------


@pytest.mark.parametrize(("key", "column"), [
    ("cluster", "place"), ("cluster", "code"), ("unit_effects", "place"), ("group", "side"), ("weights", "all"), ("period_by", "area"), ("by", "start"),
    ("by", "area"), ("dose", "code"), ("treated_until", "start"),
])  # fmt: skip
def test_a_column_under_two_keys_is_as_good_as_a_copy_of_it(tmp_path, key, column):
    roles = {**COUNTS, "unit": ["place", "code", "side"], key: [column] if key == "by" else column}
    copied = {**roles, key: [column + " again"] if key == "by" else column + " again"}
    shared, apart = (study_design(*panel_of(tmp_path, own, used(own))) for own in (roles, copied))
    pd.testing.assert_frame_equal(shared.table, apart.table)
    pd.testing.assert_frame_equal(shared.traits.set_axis(apart.traits.columns, axis=1), apart.traits)


def test_a_trait_that_is_a_dose_too_stays_a_number(tmp_path):
    roles = {**COUNTS, "by": ["fee_cut"]}
    assert study_design(*panel_of(tmp_path, roles, used(roles))).traits["by_fee_cut"].tolist() == [10.0, 20.0, 30.0, 40.0] * 6


@pytest.mark.parametrize(("roles", "says"), [
    ({**COUNTS, "weights": "month"}, "weights: column 'month' stands there and under period"),
    ({**COUNTS, "weights": "place"}, "weights: column 'place' stands there and under unit"),
    ({**COUNTS, "denominator": "yes"}, "denominator: column 'yes' stands there and under numerator"),
    ({**COUNTS, "unit_effects": "month"}, "unit_effects: column 'month' stands there and under period"),
    ({**COUNTS, "by": ["kind", "kind"]}, "by: column 'kind' stands there and under by"),
    ({**COUNTS, "by": ["kind", "Kind"]}, "by: column 'Kind' stands there and under by"),
    ({**COUNTS, "unit": ["place", "place"]}, "unit: column 'place' stands there and under unit"),
    ({**OUTCOME, "outcome": "on"}, "treated: column 'on' stands there and under outcome"),
    ({**OUTCOME, "outcome": "area"}, "outcome: column 'area' stands there and under cluster"),
    ({**OUTCOME, "outcome": "simulated"}, "outcome: column 'simulated' says whether a table is simulated and is no outcome"),
    ({**OUTCOME, "cluster": "Simulated"}, "cluster: column 'Simulated' says whether a table is simulated and is no cluster"),
    ({**OUTCOME, "by": ["definition"]}, "by: column 'definition' says what its series measures and is no by"),
    ({**OUTCOME, "unit": ["place", "definition"], "outcome": "definition"}, "outcome: column 'definition' says what its series measures"),
], ids=str)  # fmt: skip
def test_what_a_column_cannot_be_is_said_before_anything_is_read(tmp_path, roles, says):
    path = tmp_path / "t.csv"
    with pytest.raises(InputError, match=f"^t.yaml: {says}") as refused:
        study(path, roles, {name: name for name in used(roles)} | {"kind": "kind"})
    assert "\n" not in str(refused.value)


def test_an_export_lacks_a_column_under_any_key_in_one_line():
    p = read_study(study_file("demo"), {})
    for key in ("weights", "unit_effects", "dose", "by"):
        with pytest.raises(InputError, match=f"demo: {key}: no column 'nothing' in a panel of x.csv"):
            dossier_study_columns(p.model_copy(update={key: ["nothing"] if key == "by" else "nothing"}), simulate_cells(1, dossiers=5_000)[0].assign(
                field="", fee=0, commune_type=""), "x.csv")  # fmt: skip


def test_a_definition_that_parts_units_may_be_their_group_too(tmp_path):
    PLAIN[used(OUTCOME)].assign(definition=PLAIN["zone"]).to_csv(tmp_path / "t.csv", index=False)
    roles = {**OUTCOME, "unit": ["place", "definition"], "by": ["definition"], "group": "definition"}
    panel = load_panel(study(tmp_path / "t.csv", roles, {name: name for name in used(roles)}))
    assert panel.definition == "" and set(panel.cells["group"]) == set(panel.cells["by_definition"]) == {"z0", "z1"}


@pytest.mark.parametrize(("header", "says"), [
    (["place", "month", "score", "on", "area", "kind", "area"], r"column 'area' \(named by cluster\) stands twice in the header, as columns 5 and 7"),
    (["place", "month", "score", "on", "area", "kind", " AREA:"], r"column 'area' \(named by cluster\) stands twice in the header, as columns 5 and 7"),
    (["place", "month", "score", "on", "area", "kind", "Score"], r"column 'score' \(named by outcome\) stands twice in the header, as columns 3 and 7"),
    (["simulated", "place", "month", "score", "on", "area", "kind", "Simulated"], r"column 'simulated' stands twice in the header, as columns 1 and 8"),
    (["definition", "place", "month", "score", "on", "area", "kind", "Definition"], r"column 'definition' stands twice in the header, as columns 1 and 8"),
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_two_headers_of_one_name_are_refused_with_their_places(tmp_path, header, says, suffix):
    path = tmp_path / f"t{suffix}"
    frame = pd.concat([PLAIN.get(header_key(name), pd.Series("1", PLAIN.index)) for name in header], axis=1).set_axis(header, axis=1)
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_excel(path, index=False)
    with pytest.raises(InputError, match=f"^t{suffix}: {says}") as refused:
        load_panel(study(path, OUTCOME, {name: name for name in used(OUTCOME)}))
    assert "\n" not in str(refused.value)


def test_two_headers_of_one_name_that_no_study_asks_for_harm_nobody(tmp_path):
    header = [*used(OUTCOME), "note", "Note"]
    pd.concat([PLAIN[used(OUTCOME)], PLAIN["zone"], PLAIN["side"]], axis=1).set_axis(header, axis=1).to_csv(tmp_path / "t.csv", index=False)
    p = study(tmp_path / "t.csv", OUTCOME, {name: name for name in used(OUTCOME)})
    found = load_panel(p), p
    same(found, plain_of(tmp_path, OUTCOME), OUTCOME)


# --- messages and the check ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "value", "says"), [
    ("score", "abc", "row 4, column 'time': text of 3 characters is not a finite number"), ("on", "2", r"row 4, column 'unit': '2' is not 0 or 1"),
    ("month", "Q9", "'row'"),
])  # fmt: skip
def test_messages_name_the_users_column_never_ours(tmp_path, column, value, says):
    called = dict(zip(used(OUTCOME), ["cluster", "row", "time", "unit", "period", "outcome"]))
    frame = PLAIN[used(OUTCOME)].astype(object)
    frame.loc[2, column] = value
    frame.rename(columns=called).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=says):
        load_panel(study(tmp_path / "t.csv", OUTCOME, called))


def test_finer_rows_that_differ_are_told_by_the_users_column(tmp_path):
    roles = {key: COUNTS[key] for key in ("period", "numerator", "denominator", "treated_from", "cluster", "group")} | {"unit": "area"}
    roles, called = (
        {**roles, "cluster": "area"},
        {"area": "group", "sort": "denominator", "yes": "unit", "all": "time", "month": "row", "start": "by"},
    )
    days = PLAIN.groupby(["area", "month"]).cumcount() + 1  # finer rows are those of days
    finer = PLAIN.assign(month=PLAIN["month"].astype(str) + "-" + days.astype(str).str.zfill(2))
    finer[list(called)].rename(columns=called).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="column '(denominator|by)' differs between rows of one period"):
        load_panel(study(tmp_path / "t.csv", roles, called))


def test_the_check_takes_columns_of_any_name_and_refuses_two_of_one(tmp_path):
    names = [*(name for name in names_inside() if "\n" not in name and "." not in name), "Definition"]
    names = [name for name in {header_key(name): name for name in names}.values() if is_header([name, "n"], [["7", "7"]])]
    frame = pd.DataFrame([["7"] * len(names), [""] + ["7"] * (len(names) - 1)], columns=names)
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = check_file(tmp_path / "t.csv", "table")
    assert [(item["column"], item["empty"]) for item in found["columns"]] == [(names[0], 1), *((name, 0) for name in names[1:])]
    assert found["definitions"] == ["(number of 1 digits)"] and not found["simulated"]
    frame.set_axis([*names[:-1], names[0].upper()], axis=1).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=f"stands twice in the header, as columns 1 and {len(names)}"):
        check_file(tmp_path / "t.csv", "table")
