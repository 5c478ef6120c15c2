"""What `check` tells may be kept and sent on: no count of few dossiers, unless it is asked for."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval import cli
from hgdx_eval.study.words import Words
from hgdx_eval.vietnam.check_export import DOUBTFUL, check_file, check_lines, tellable
from hgdx_eval.vietnam.made_up_world import simulate

K = 5


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A small list of dossiers, of which one agency has three and four are online and entered by staff."""
    path = tmp_path_factory.mktemp("check") / "a.csv"
    simulate(path, seed=4, dossiers=3000)
    return path


def said(capfd, *words) -> str:
    with pytest.raises(SystemExit) as leave:
        cli.main([str(word) for word in words])
    assert not leave.value.code
    return capfd.readouterr().out


def test_a_machine_and_a_clerk_are_told_no_count_of_few(export, capfd):
    exact = json.loads(said(capfd, "check", export, "--json", "--exact"))
    told = json.loads(said(capfd, "check", export, "--json"))
    few = [item for item in exact["names"] if item["how"] not in DOUBTFUL and 0 < item["rows"] < K]
    assert few and set(told) == {*exact, "min_count", "hidden"} and told["min_count"] == K
    assert [{**item, "rows": 0} for item in told["names"]] == [{**item, "rows": 0} for item in exact["names"]]
    for kind in ("agency", "procedure"):
        rows = [(a["rows"], b["rows"]) for a, b in zip(exact["names"], told["names"], strict=True) if a["kind"] == kind]
        hidden = [exactly for exactly, now in rows if now is None]
        assert all(now in (None, exactly) for exactly, now in rows) and (not hidden or (len(hidden) > 1 and sum(hidden) >= K))
    assert told["rejected"] == exact["rejected"] and told["rows"] == exact["rows"]  # rows to be mended, with their numbers
    words = Words("en", domain="vietnam")
    lines = said(capfd, "check", export, "--lang", "en")
    assert words("check.few", n="5") in lines and words("check.not_shown") in lines
    assert words("check.few", n="5") not in said(capfd, "check", export, "--lang", "en", "--exact")


def found_of(**counts) -> dict:
    return {"layout": "opencps_dossiers", "rows": 100, "accepted": 100, "online": 40, "assisted": 10, "names": [], "repeats": [],
            "signs": [], **counts}  # fmt: skip


@pytest.mark.parametrize(("counts", "hidden"), [({}, []), ({"online": 3}, ["online"]), ({"online": 97}, ["online"]), ({"assisted": 2}, ["assisted"]),
                                               ({"assisted": 38}, ["assisted"]), ({"assisted": 0}, []), ({"assisted": None}, [])])  # fmt: skip
def test_a_part_is_told_where_it_and_the_rest_are_not_few(counts, hidden):
    told = tellable(found_of(**counts))
    assert told["hidden"] == hidden and all(told[name] is None for name in hidden)


def test_a_fee_of_few_and_the_volume_of_a_sign_are_not_told():
    fees = {"layout": "opencps_fees", "paid": 120_000, "dossiers": 2, "accepted": 4}
    assert tellable(fees)["hidden"] == ["paid", "dossiers"] and tellable({**fees, "dossiers": 20})["hidden"] == []
    name = {"kind": "agency", "text": "A", "means": "A", "how": "exact", "outside": "", "rows": 40}
    sign = {"sign": "agency_fall", "agency": "A", "first": "2023-01", "last": "2023-01", "expected": 30}
    for received, told in ((0, 0), (3, None), (37, None), (20, 20)):
        assert tellable(found_of(names=[name], signs=[{**sign, "received": received}]))["signs"][0]["received"] == told


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9))
def test_rows_that_are_not_told_cannot_be_found_from_the_others(rows):
    names = [{"kind": "agency", "text": f"A{i}", "means": f"A{i}", "how": "exact", "outside": "", "rows": n} for i, n in enumerate(rows)]
    months = [{"file": "a.csv", "month": f"2023-{i + 1:02}", "rows": n, "again": 0} for i, n in enumerate(rows)]
    told = tellable(found_of(names=names, repeats=months))
    for key in ("names", "repeats"):
        hidden = np.array([n for n, item in zip(rows, told[key], strict=True) if item["rows"] is None])
        assert not [item for item in told[key] if item["rows"] is not None and item["rows"] < K]
        assert not len(hidden) or (len(hidden) > 1 and hidden.sum() >= K) or len(hidden) == len(rows)


def test_a_table_counts_nobody(tmp_path):
    frame = pd.DataFrame([(unit, year, 1.5 * year) for unit in "abc" for year in range(2010, 2020)], columns=["unit", "year", "y"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = check_file(tmp_path / "t.csv", "table")
    assert tellable(found) == found and check_lines(found, Words("vi", domain="vietnam"))
