"""What `check` proposes of a table that no study names yet."""

import json

import pytest
from click.testing import CliRunner
from foreign import staggered_yearly, write_study

from hgdx_eval.base.errors import InputError
from hgdx_eval.cli import cli
from hgdx_eval.read.table_proposal import proposal

MONTHS = [f"2023-{m:02}" for m in range(1, 7)]


def table(folder, header: str, body: list[list]):
    path = folder / "bang.csv"
    path.write_text(header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in body), encoding="utf-8")
    return path


def test_unit_period_measures_and_treatment_are_found(tmp_path):
    body = [[f"0{i}", f"Nơi {i}", m, 10 + i, 20 + i, "có" if i == 1 and m > "2023-03" else "không"] for i in range(1, 5) for m in MONTHS]
    found = proposal(table(tmp_path, "ma,ten,thang,truc_tuyen,tiep_nhan,ap_dung", body))["proposal"]
    assert found["unit"] in (["ma"], ["ten"])
    assert (found["period"], found["frequency"], found["treated"]) == ("thang", "M", "ap_dung")
    assert found["measured"] == ["truc_tuyen", "tiep_nhan"]
    assert found["shape"] == {"units": 4, "periods": 6, "gaps": 0, "repeats": 0}


def test_of_a_wide_public_panel_the_unit_is_a_code_and_the_treatment_what_begins_and_stays(tmp_path):
    """As researchers' files are: a number names the state, dummies of years and regions, leads and lags stand before the policy."""
    starts, years, body = {1: 2004, 2: 2006, 3: 2007}, range(2000, 2010), []
    for code in range(1, 9):
        for year in years:
            event = year - starts.get(code, 9999)
            dummies = [
                int(year == 2003),
                int(year >= 2005),
                code % 2,
                int(event == -1),
                int(event == 2),
                int(code == 5 and year in (2001, 2002)),
            ]
            numbers = [100 + code, *(round((code * 37 + year * k) % 101 / 7, 3) for k in range(3, 17))]
            body.append([year, code, *dummies, *numbers, int(event >= 0)])
    header = "year,sid,y2003,after,north,lead1,lag2,shock,area," + ",".join(f"x{k}" for k in range(14)) + ",post"
    found = proposal(table(tmp_path, header, body))["proposal"]
    assert (found["unit"], found["period"], found["treated"], found["treated_too"]) == (["sid"], "year", "post", [])
    assert "area" in found["measured"] and found["moving"] == [f"x{k}" for k in range(14)]
    apart = [[f"{day:02}/0{month}/2023", place, value, int(place == "A" and month > 2)] for day, month in ((1, 1), (1, 2), (1, 3))
             for place, value in (("A", 1.5), ("B", 2.5))]  # fmt: skip
    assert proposal(table(tmp_path, "date,place,value,law", apart))["proposal"]["treated"] == "law"  # its order is told by nobody yet


def test_two_columns_make_a_unit_where_one_repeats(tmp_path):
    body = [[place, kind, m, 1.5] for place in ("A", "B", "C") for kind in ("x1", "y1") for m in MONTHS if (place, m) != ("C", "2023-02")]
    found = proposal(table(tmp_path, "place,kind,month,value", body))["proposal"]
    assert set(found["unit"]) == {"place", "kind"}
    assert found["shape"]["gaps"] == 2


def test_a_column_of_starts_is_no_period_of_rows(tmp_path):
    study = write_study(tmp_path, "staggered_yearly")
    table_, keys = staggered_yearly()
    found = proposal(next(study.parent.glob("*.csv")))["proposal"]
    assert (found["unit"], found["period"], found["frequency"], found["treated_from"]) == (["town"], "when", "Y", "start")
    assert found["shape"]["units"] == table_["town"].nunique()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_check_says_so_in_words_and_for_machines_without_a_line_per_column(tmp_path, lang):
    body = [[f"N{i}", m, 10 + i, *[""] * 60] for i in range(1, 5) for m in MONTHS]
    path = table(tmp_path, "place,month,value," + ",".join(f"c{i}" for i in range(60)), body)
    said = CliRunner().invoke(cli, ["check", str(path), "--lang", lang])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) < 14
    assert "place" in said.output
    found = json.loads(CliRunner().invoke(cli, ["check", str(path), "--json"]).output)
    assert found["layout"] == "table"
    assert found["proposal"]["unit"] == ["place"]
    assert {"column", "kind", "empty"} == set(found["columns"][0])


def test_a_list_of_people_is_proposed_as_nothing(tmp_path):
    body = [[f"Nguyễn Văn {chr(65 + i)}", f"0912 345 {i:03}", "2023-01-05"] for i in range(20)]
    path = table(tmp_path, "ho_ten,dien_thoai,ngay", body)
    said = CliRunner().invoke(cli, ["check", str(path)])
    assert isinstance(said.exception, InputError)
    assert "Nguyễn" not in str(said.exception)
    with pytest.raises(InputError, match="no known header"):
        proposal(table(tmp_path, "Nguyễn Văn A,0912345678,2023-01-05", body))
