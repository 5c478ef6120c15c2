"""No person in any message about a tidy table: canaries in every column, in first rows, in names of files, sheets and folders, through
check, refused and failed runs, their notebooks, receipts and alerts."""

import csv
import json
from dataclasses import asdict

import pytest
import xlsxwriter
from canaries import MAIL, NAME, NOTE, PHONE, everything, leaks
from small_run import small_notebooks
from test_canaries import call, run

from hgdx_eval.run import alert

COLUMNS = ("unit", "month", "value", "num", "den", "weight", "cluster", "kind", "side", "on", "start", "until", "dose", "note")
STUDY = """study: plain
data: DATA
unit: unit
period: month
frequency: M
outcome: value
weights: none
cluster: unit
treated_from: start
estimator: two_way_fixed_effects
"""
COUNTS = {"outcome: value": "numerator: num\ndenominator: den"}
PERSONS = (NAME, NAME.upper(), "Quỷnhkhướu", "quynhkhuou", PHONE, MAIL, NOTE, f"{NAME} 1985", "Quynhkhuou")


def table_rows(units: int = 6, months: int = 6) -> list[dict[str, str]]:
    """A tidy table in which nothing is wrong."""
    return [{"unit": f"u{u}", "month": f"2023-{m:02}", "value": f"{u + m % 3}.5", "num": f"{u + m}", "den": "30", "weight": "1", "cluster": f"c{u // 2}",
             "kind": f"k{u % 2}", "side": f"s{u % 2}", "on": f"{int(u % 2 and m > 3)}", "start": "2023-04" if u % 2 else "", "until": "", "dose": f"{u}",
             "note": "x"} for u in range(units) for m in range(1, months + 1)]  # fmt: skip


def write(path, rows, header=COLUMNS):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *([row[name] for name in COLUMNS] for row in rows)])
    return path


@pytest.fixture
def said(tmp_path, capfd, monkeypatch):
    """All that check, a run and its alert say of a table and a study: (codes, text)."""
    events = []
    monkeypatch.setattr(alert, "send", lambda event, *_: events.append(event))
    monkeypatch.chdir(tmp_path)

    def of(data, study: str = STUDY, checks: bool = True) -> tuple[list[int], str]:
        (tmp_path / "plain.yaml").write_text(study.replace("DATA", json.dumps(data.name, ensure_ascii=False)), encoding="utf-8")
        ways = [("check", data, "--layout", "table", *more) for more in ((), ("--json",), ("--lang", "en"))] if checks else []
        ended = [
            call(capfd, *words) for words in (*ways, ("run", tmp_path / "plain.yaml", "--out", tmp_path / "out", "--on-failure", "told"))
        ]
        assert not (tmp_path / "out").exists() and len(events) == 1
        return [code for code, _ in ended], "\n".join([*(text for _, text in ended), json.dumps(asdict(events[0]), ensure_ascii=False)])

    return of


def held(column: str, rows: list[dict[str, str]], **other: str) -> list[dict[str, str]]:
    """The rows with a canary in each cell of a column: another one for each unit; `other`: cells that make a message of it."""
    return [{**row, column: f"{PERSONS[int(row['unit'][1:])]} {row['unit']}", **other} for row in rows]


POLICY = "policy: nq04_2023\ngroup: kind\ntreated_groups: [provincial]\ncomparison_groups: [free]"
UNTIL = {"treated_from: start": "treated_from: start\ntreated_until: until"}
MORE = "weights: none"  # a line of the study that others can stand beside
MONTHS = ("2023-04", "2023-05")  # in turn
REFUSED = [  # (column, what is changed in the study, cells of other columns, what is said)
    ("unit", {}, {"month": "2023-01"}, "row 3: a second row of unit (text of"),
    ("unit", {"treated_from: start": "treated_from: {nobody: 2023-04}"}, {}, "no unit 'nobody'"),
    ("unit", {"treated_from: start": "treated_from: {quynhkhuo: 2023-04}"}, {}, "no unit 'quynhkhuo'"),
    ("unit", {MORE: MORE + "\nexclude: [quynhkhuo u3]"}, {}, "no unit 'quynhkhuo u3'"),
    ("unit", {MORE: MORE + "\ndose: {quynhkhuo u3: 1}"}, {}, "no unit 'quynhkhuo u3'"),
    ("unit", {"cluster: unit": "cluster: note"}, {"note": None}, "stands in more than one cluster, as 6 of 6 units do"),
    ("unit", {MORE: MORE + "\nby: [note]"}, {"note": None}, "has more than one value of note"),
    ("unit", {"treated_from: start": "treated_from: note"}, {"note": MONTHS}, "has more than one first treated period"),
    ("unit", {"treated_from: start": "treated: 'on'"}, {"on": None}, "is treated twice"),
    ("unit", UNTIL, {"until": "2023-01", "start": "2023-04"}, "ends before it starts"),
    ("unit", {**COUNTS, MORE: MORE + "\nby: [note]"}, {"month": "2023-01", "note": None}, "a second row of unit"),
    ("month", {}, {}, "is not a period"), ("value", {}, {}, "is not a finite number"), ("num", COUNTS, {}, "is not a finite number"),
    ("den", COUNTS, {}, "is not a finite number"), ("weight", {MORE: "weights: weight"}, {}, "is not a finite number"),
    ("cluster", {"cluster: unit": "cluster: cluster", MORE: MORE + "\nexclude: [quynhkhuo u3]"}, {}, "no unit 'quynhkhuo u3'"),
    ("kind", {"treated_from: start": POLICY}, {}, "found: 6 that are not told"), ("on", {"treated_from: start": "treated: 'on'"}, {}, "is not 0 or 1"),
    ("start", {}, {}, "is not a period"), ("until", UNTIL, {}, "is not a period"), ("dose", {MORE: MORE + "\ndose: dose"}, {}, "is not a finite number"),
    ("note", {MORE: "weights: vlaue"}, {}, "column 'vlaue' (named by weights) is missing (did you mean 'value'?); found: unit, month"),
    ("side", {"cluster: unit": "cluster: side", MORE: "weights: nowhere"}, {}, "column 'nowhere'"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "change", "other", "says"), REFUSED, ids=[f"{at}-{case[0]}" for at, case in enumerate(REFUSED)])
def test_no_cell_of_any_column_is_in_a_message(tmp_path, said, column, change, other, says):
    study = STUDY
    for old, new in change.items():
        study = study.replace(old, new)
    rows = held(column, table_rows(), **{name: text for name, text in other.items() if isinstance(text, str)})
    for at, row in enumerate(rows):  # None: another value in each row
        row.update({name: (text or "01")[at % 2] for name, text in other.items() if not isinstance(text, str)})
    codes, text = said(write(tmp_path / "list.csv", rows), study)
    assert codes == [0, 0, 0, 2] and not leaks(text.encode()), text.splitlines()[-2:]
    assert says in text.splitlines()[-1] and says in text.splitlines()[-3], text.splitlines()[-3:]


def test_a_number_out_of_its_range_is_told_by_its_digits(tmp_path, said):
    rows = [{**row, "value": PHONE} for row in table_rows()]
    codes, text = said(write(tmp_path / "list.csv", rows), STUDY + "scale: share\n")
    assert codes[-1] == 2 and not leaks(text.encode()) and "97713" not in text and "(number of 9 digits before the point)" in text


@pytest.mark.parametrize("at", [0, 3, 4])
@pytest.mark.parametrize("kind", ["data", "persons", "twice"])
def test_a_first_row_of_people_is_not_shown(tmp_path, said, at, kind):
    """The header left out, one of its cells overwritten, or columns called after people."""
    header = {"data": list(held("unit", table_rows())[at % 6].values()), "persons": [*COLUMNS[:-1], PERSONS[at]],
              "twice": [*COLUMNS[:-2], PERSONS[at], PERSONS[at]]}[kind]  # fmt: skip
    rows = held("unit", table_rows()) if kind == "data" else table_rows()
    if kind == "persons" and at == 3:
        rows = held("note", rows, note=PERSONS[at])  # one word alone may be a column's; not where it stands in the column too
    codes, text = said(write(tmp_path / "list.csv", rows, header), STUDY.replace("outcome: value", "outcome: worth"))
    assert codes == [2, 2, 2, 2] and not leaks(text.encode()), text.splitlines()[-2:]
    assert f"{len(COLUMNS)} cells in the first row" in text


def test_a_study_may_be_told_the_names_that_it_holds_and_those_that_many_rows_share(tmp_path, said):
    rows = [{**row, "unit": f"district {row['unit']}"} for row in table_rows(months=24 - 12)]
    data = write(tmp_path / "list.csv", rows + [{**row, "month": row["month"].replace("2023", "2022")} for row in rows])
    _, text = said(data, STUDY.replace("treated_from: start", "treated_from: {district u33: 2023-04}"))
    assert "no unit 'district u33' in the data (did you mean 'district u3'?)" in text
    twice = [{**row, "month": "2023-01"} for row in table_rows()]
    assert "a second row of unit 'u0'" in said_again(twice, tmp_path, "treated_from: {u0: 2023-04}")


def said_again(rows, tmp_path, treated: str) -> str:
    """What a run says of a table whose study names its units."""
    from hgdx_eval.base.errors import InputError
    from hgdx_eval.panel.load import load_panel
    from hgdx_eval.study.load import load_study

    (tmp_path / "again.yaml").write_text(STUDY.replace("DATA", "again.csv").replace("treated_from: start", treated), encoding="utf-8")
    write(tmp_path / "again.csv", rows)
    with pytest.raises(InputError) as error:
        load_panel(load_study(tmp_path / "again.yaml")[0])
    return str(error.value)


# --- names of files, sheets and folders ----------------------------------------------------------------------------

FILE = f"{NAME} {PHONE}"


def workbook(path, rows):
    """The table in a workbook whose sheets are called after people."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Quỷnhkhướu")
        book.add_worksheet(f"{NOTE} 2").write(0, 0, NAME)
        for at, row in enumerate([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)]):
            sheet.write_row(at, 0, row)
    return path


@pytest.mark.parametrize(
    "made", [lambda path, rows: write(path.with_suffix(".csv"), rows), lambda path, rows: workbook(path.with_suffix(".xlsx"), rows)]
)
def test_a_name_of_a_file_or_sheet_leaves_in_no_alert_and_no_answer_of_check(tmp_path, said, capfd, made):
    (tmp_path / NAME).mkdir()
    data = made(tmp_path / NAME / FILE, table_rows())
    for words in ((), ("--json",), ("--lang", "en")):
        code, text = call(capfd, "check", data, "--layout", "table", *words)
        assert code == 0 and not leaks(text.encode()), text
    data = made(tmp_path / FILE, held("value", table_rows()))
    _, text = said(data, checks=False)
    assert f"….{data.suffix[1:]}: row 2" in text.splitlines()[-1] and not leaks(text.splitlines()[-1].encode())


@pytest.mark.parametrize("wrong", ["data", "folder", "words", "study"])
def test_a_file_that_is_not_there_is_not_named_in_an_alert(tmp_path, said, capfd, wrong):
    keys = {"data": f"data={FILE}.csv", "folder": f"data={NAME}/x", "words": f"words={FILE}.yaml"}
    (tmp_path / "a.csv").write_text("unit,month\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(STUDY.replace("DATA", "a.csv"), encoding="utf-8")
    events = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alert, "send", lambda event, *_: events.append(event))
        change = ("-p", keys[wrong]) if wrong in keys else ()
        code, _ = call(
            capfd,
            "run",
            tmp_path / (f"{FILE}.yaml" if wrong == "study" else "s.yaml"),
            *change,
            "--out",
            tmp_path / "out",
            "--on-failure",
            "x",
        )
    assert code == 2 and len(events) == 1 and not leaks(json.dumps(asdict(events[0]), ensure_ascii=False).encode()), events


@pytest.mark.long
def test_runs_of_a_table_that_end_well_or_badly_leave_no_name_of_a_cell_file_or_sheet(tmp_path):
    """The run that ends well has its people in columns that the study does not name; the one that fails, in every column of names."""
    rows = held("note", table_rows(8, 12), until=NAME)
    (tmp_path / NAME).mkdir()
    workbook(tmp_path / NAME / f"{FILE}.xlsx", rows)
    (tmp_path / "plain.yaml").write_text(STUDY.replace("DATA", json.dumps(f"{NAME}/{FILE}.xlsx", ensure_ascii=False)), encoding="utf-8")
    small = small_notebooks(tmp_path / "notebooks", ("data_quality",))
    done = run(tmp_path, "run", "plain.yaml", "--lang", "vi", "--out", "out", HGDX_NOTEBOOKS=str(small))
    assert done.returncode == 0, done.stderr.decode()
    for column in ("cluster", "kind", "side", "unit"):
        rows = held(column, rows) if column != "unit" else [{**row, "unit": f"{NAME} {row['unit']}"} for row in rows]
    workbook(tmp_path / NAME / f"{FILE}.xlsx", rows)
    (tmp_path / "plain.yaml").write_text((tmp_path / "plain.yaml").read_text(encoding="utf-8") + "by: [side, kind]\n", encoding="utf-8")
    failing = small_notebooks(tmp_path / "failing", (), "print(panel.cells); raise KeyError(panel.cells['unit'][0])")
    failed = run(tmp_path, "run", "plain.yaml", "--lang", "vi", "--out", "out", "--on-failure", "env", HGDX_NOTEBOOKS=str(failing))
    assert failed.returncode == 1, failed.stderr.decode()
    (receipt,) = (tmp_path / "out").glob("plain/failed/*/receipt.json")
    assert "KeyError" in json.loads(receipt.read_text(encoding="utf-8"))["reason"]
    kept = [json.loads(file.read_text(encoding="utf-8")) for file in receipt.parent.glob("notebooks/*.ipynb")]
    errors = [output for notebook in kept for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert errors and {(error["ename"], error["evalue"]) for error in errors} == {("KeyError", "")}
    assert any("line" in place for place in errors[0]["traceback"])
    assert everything(tmp_path / "out") == {}
