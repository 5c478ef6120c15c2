"""Tables in JSON: a list of objects, an object a line, columns, answers of data portals, JSON-stat."""

import json

import pytest
from opened import opened_table
from test_kinds import HEADER, ROWS, WANTED, read

from hgdx_eval.base.errors import InputError
from hgdx_eval.read import trees
from hgdx_eval.read.tables import open_beginning
from hgdx_eval.vietnam.layouts import personal_layout
from hgdx_eval.vietnam.layouts.opencps_dossiers import HEADERS, NEEDED

OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
COLUMNS = {name: [row[i] for row in ROWS] for i, name in enumerate(HEADER)}
FIELDS = [{"id": name, "type": "text"} for name in HEADER]


def written(path, document):
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        (OBJECTS, None, {}),
        ([HEADER, *ROWS], None, {}),
        (COLUMNS, "json_columns", {}),
        ({name: dict(zip("xyz", cells, strict=True)) for name, cells in COLUMNS.items()}, "json_columns", {}),
        ({name: dict(zip("xyz"[:: 1 - 2 * (i == 1)], cells[:: 1 - 2 * (i == 1)], strict=True)) for i, (name, cells) in enumerate(COLUMNS.items())},
         "json_columns", {}),
        ({"columns": HEADER, "index": [0, 1, 2], "data": ROWS}, "json_columns", {}),
        ({"success": True, "result": {"records": OBJECTS, "fields": FIELDS, "total": 3}}, "json_list", {"key": "result.records"}),
        ({"success": True, "result": {"fields": FIELDS, "records": OBJECTS}}, "json_list", {"key": "result.records"}),
        ({"data": OBJECTS, "next": None, "count": 3}, "json_list", {"key": "data"}),
        ({"@odata.context": "x", "value": OBJECTS}, "json_list", {"key": "value"}),
        ({"schema": {"fields": FIELDS}, "data": OBJECTS}, "json_list", {"key": "data"}),
        ({"a": {"b": {"c": OBJECTS}}}, "json_list", {"key": "a.b.c"}),
        ({"Nguyễn Thị Lan": OBJECTS}, "json_list", {"key": "(text of 14 characters)"}),
    ],
)  # fmt: skip
def test_a_table_in_json_is_read_in_every_shape_and_told(tmp_path, document, kind, said):
    rows, readings = read(written(tmp_path / "a.json", document))
    assert rows == ROWS
    assert [(reading.kind, reading.said) for reading in readings] == ([(kind, said)] if kind else [])


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.jsonl", "a.txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_one_object_a_line_is_a_table(tmp_path, name, encoding):
    lines = [json.dumps(item, ensure_ascii=False) for item in [*OBJECTS[:2], {**OBJECTS[2], "khác": 1}]]
    (tmp_path / name).write_text("\n\n".join(lines) + "\n", encoding=encoding)
    rows, readings = read(tmp_path / name)
    assert rows == ROWS and "json_lines" in [reading.kind for reading in readings]
    assert open_beginning(tmp_path / name, HEADER).rows[0] == [*HEADER, "khác"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": OBJECTS, "b": OBJECTS}, "no table: 2 lists of objects"),
        ({"a": 1}, "no table: 0 lists of objects"),
        ({"a": {"b": {"c": {"d": OBJECTS}}}}, "no table: 0 lists"),
        ({"a": ["x", "y"], "b": ["z"]}, r"its columns have different rows \(1 to 2\)"),
        ({"a": {"0": "x"}, "b": {"1": "z"}}, "its columns have different rows"),
        ([], "a list of objects is needed"),
        ({}, "a list of objects is needed"),
        (7, "a list of objects is needed"),
        ([1, 2], "a list of objects is needed"),
        ({"result": {"records": OBJECTS, "total": 4}}, r"3 rows of 4 \(total\): a part of the answer"),
        ({"count": 1_000, "next": None, "results": OBJECTS}, r"3 rows of 1,000 \(count\)"),
        ({"value": OBJECTS, "@odata.nextLink": "https://x.invalid/2"}, "a link to the next ones: a part of the answer"),
    ],
)
def test_no_table_two_tables_and_a_part_of_one_are_refused(tmp_path, document, message):
    with pytest.raises(InputError, match=f"^a.json: .*{message}"):
        opened_table(written(tmp_path / "a.json", document), WANTED)


@pytest.mark.parametrize("line", ["[1]", "{", '{"xã": NaN}', '{"xã": 1, "xã": 2}', "7", '{"a": ' * 2_000])
def test_a_line_that_is_no_object_is_named(tmp_path, line):
    (tmp_path / "a.json").write_text("\n".join([json.dumps(OBJECTS[0]), json.dumps(OBJECTS[1]), line]))
    with pytest.raises(InputError, match="^a.json: line 3: no JSON object"):
        opened_table(tmp_path / "a.json", WANTED)


def cube(**more):
    category = {"category": {"index": ["a", "b"], "label": {"a": "Vị Thủy", "b": "Long Mỹ"}}}
    months = {"category": {"index": {"2023M08": 1, "2023M07": 0}}}
    return {
        "class": "dataset",
        "id": ["xã", "tháng"],
        "size": [2, 2],
        "dimension": {"xã": category, "tháng": months},
        "value": [1, 2, None, 4.5],
        **more,
    }


def test_a_cube_is_a_row_a_cell(tmp_path):
    expected = [["Vị Thủy", "2023M07", "1"], ["Vị Thủy", "2023M08", "2"], ["Long Mỹ", "2023M07", None], ["Long Mỹ", "2023M08", "4.5"]]
    wanted = {"unit": ("xã",), "period": ("tháng",), "value": ("value",)}
    plain = cube()
    first = {"dataset": {"value": plain["value"], "dimension": {**plain["dimension"], "id": plain["id"], "size": plain["size"]}}}
    sparse = cube(value={"0": 1, "1": 2, "3": 4.5})
    for document in (plain, first, sparse):
        rows, readings = read(written(tmp_path / "a.json", document), wanted)
        assert rows == expected and [reading.kind for reading in readings] == ["json_stat"]
    same = cube()
    same["dimension"]["xã"]["category"]["label"] = {"a": "Xã", "b": "Xã"}  # two units are never one
    assert [row[0] for row in read(written(tmp_path / "a.json", same), wanted)[0]] == ["a", "a", "b", "b"]


@pytest.mark.parametrize("more", [{"size": [2, 3]}, {"value": [1, 2, 3]}, {"value": {"4": 1}}, {"value": {"x": 1}}, {"id": ["xã"]}, {"id": 7},
                                  {"value": 7}, {"size": None}, {"dimension": {"xã": 1, "tháng": {}}}, {"id": [], "size": []}])  # fmt: skip
def test_a_cube_whose_parts_do_not_fit_is_refused(tmp_path, more):
    with pytest.raises(InputError, match="^a.json: JSON-stat whose dimensions, sizes and values do not fit together"):
        opened_table(written(tmp_path / "a.json", cube(**more)), {"unit": ("xã",)})


def test_a_cube_of_very_many_cells_is_refused(tmp_path):
    names = [f"d{i}" for i in range(12)]
    dimension = {name: {"category": {"index": [str(i) for i in range(10)]}} for name in names}
    document = {"id": names, "size": [10] * 12, "dimension": dimension, "value": {"0": 1}}
    with pytest.raises(InputError, match="more than 2,000,000 cells of JSON"):
        opened_table(written(tmp_path / "a.json", document), {"unit": ("d0",)})


def test_peoples_rows_are_seen_in_every_shape(tmp_path):
    """A dossier list given as a tidy table is refused by whoever asks this."""
    item = {HEADERS[name][0]: "x" for name in NEEDED}
    documents = [[item], {"result": {"records": [item, item]}}, {name: [cell] for name, cell in item.items()}, {"data": [item]}]
    for document in documents:
        assert personal_layout(written(tmp_path / "a.json", document)) == "opencps_dossiers"
    (tmp_path / "b.json").write_text("\n".join([json.dumps(item)] * 3))
    assert personal_layout(tmp_path / "b.json") == "opencps_dossiers"


def test_very_large_documents_are_refused_and_lines_are_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "BYTES", 100)
    path = written(tmp_path / "a.json", OBJECTS)
    with pytest.raises(InputError, match="a.json: more than 0 MB of JSON; save it as .csv, or as one object a line"):
        opened_table(path, WANTED)
    (tmp_path / "b.json").write_text("".join(json.dumps(item) + "\n" for item in OBJECTS))
    assert read(tmp_path / "b.json")[0] == ROWS
    monkeypatch.setattr(trees, "LINES", 100)
    with pytest.raises(InputError, match="b.json: more than 0 MB of JSON"):
        opened_table(tmp_path / "b.json", WANTED)
