"""`fresh_within`: data that stopped coming are refused when a run begins, and at no other time."""

import json
from contextlib import nullcontext
from contextvars import ContextVar
from datetime import date
from pathlib import Path

import pytest
from small_run import small_notebooks

from hgdx_eval import cli
from hgdx_eval.base import periods
from hgdx_eval.vietnam.made_up_world import simulate

TIDY = """study: mine
data: data.csv
unit: unit
period: time
frequency: {frequency}
outcome: value
treated_from: {{a: {start}}}
weights: none
cluster: unit
estimator: two_way_fixed_effects
fresh_within: 3
"""
TIMES = {
    "M": ([f"2024-{m:02}" for m in range(1, 13)], "2024-09"), "Q": ([f"{y}Q{q}" for y in (2022, 2023, 2024) for q in (1, 2, 3, 4)], "2024Q1"),
    "W": ([f"2024-W{w:02}" for w in range(13, 53)], "2024-W40"), "D": ([f"2024-12-{d:02}" for d in range(1, 32)], "2024-12-20"),
    "Y": ([str(year) for year in range(2015, 2025)], "2021"),
}  # fmt: skip


def call(*words) -> int:
    with pytest.raises(SystemExit) as leave:
        cli.main([str(word) for word in words])
    return leave.value.code


def tidy(folder, frequency):
    times, start = TIMES[frequency]
    rows = [
        f"{u},{t},{i + k / 10 + (u == 'a' and t >= start) * 2 + i * k % 3 / 50}"
        for i, u in enumerate("abcdefgh")
        for k, t in enumerate(times)
    ]
    (folder / "data.csv").write_text("unit,time,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "mine.yaml").write_text(TIDY.format(frequency=frequency, start=start), encoding="utf-8")
    return folder


def told(capsys) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return [line for line in err.splitlines() if line.startswith("hgdx-eval:")]


@pytest.mark.parametrize(
    ("frequency", "newest"), [("M", "2024-12"), ("Q", "2024Q4"), ("Y", "2024"), ("W", "2024-W52"), ("D", "2024-12-31")]
)
def test_a_stale_table_is_refused_in_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys, frequency, newest):
    tidy(tmp_path, frequency)
    monkeypatch.setattr(periods, "today", lambda: date(2025, 4, 1))
    assert call("run", tmp_path / "mine.yaml", "--out", tmp_path / "out") == 2
    (line,) = told(capsys)
    assert all(part in line for part in ("data.csv", f"newest whole period is {newest}", "4 months ago", "fresh_within: 3"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("layout", "kind"), [("opencps_dossiers", "csv"), ("opencps_monthly", "csv")])
def test_stale_exports_and_summaries_are_refused(tmp_path, monkeypatch, capsys, layout, kind):
    simulate(tmp_path / f"out.{kind}", seed=5, dossiers=3000, layout=layout)
    study = ("study: s\ndata: out.csv\nlayout: {}\nunit: agency\nperiod: period\nfrequency: M\nnumerator: online\ndenominator: received\n"
             "cluster: cluster\ntreated_from: {{Thành phố Vị Thanh: 2023-08}}\nestimator: two_way_fixed_effects\nfresh_within: 1\n")  # fmt: skip
    (tmp_path / "s.yaml").write_text(study.format(layout), encoding="utf-8")
    assert call("run", tmp_path / "s.yaml", "--out", tmp_path / "out") == 2
    (line,) = told(capsys)
    assert "out.csv" in line and "newest whole period is 2025-0" in line


def test_an_unfinished_last_month_does_not_make_an_export_fresh(tmp_path, monkeypatch, capsys):
    from test_panel import FEES, HEADER, dossier

    rows = [dossier(f"J{i}", received=f"{1 + i % 28:02}/06/2023") for i in range(300)]
    rows += [dossier(f"A{i}", received=f"{1 + i % 19:02}/08/2023") for i in range(95)]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "a.csv.fees.csv").write_text(FEES, encoding="utf-8")
    monkeypatch.setattr(periods, "today", lambda: date(2023, 8, 20))
    assert call("run", "nq04_2023", "-p", f"data={tmp_path / 'a.csv'}", "-p", "fresh_within=1", "--out", tmp_path / "out") == 2
    assert "newest whole period is 2023-06, 2 months ago" in told(capsys)[0]


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5"])
def test_what_is_no_number_of_months_is_refused(tmp_path, capsys, value):
    tidy(tmp_path, "Y")
    assert call("run", tmp_path / "mine.yaml", "-p", f"fresh_within={value}", "--out", tmp_path / "out") == 2
    assert "fresh_within" in told(capsys)[0]


@pytest.mark.long
def test_a_run_of_fresh_data_is_verified_years_later(tmp_path, monkeypatch, capsys):
    tidy(tmp_path, "Y")
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(small_notebooks(tmp_path / "notebooks")))
    monkeypatch.setattr(periods, "today", lambda: date(2025, 3, 31))
    words = ("run", tmp_path / "mine.yaml", "--lang", "vi", "--out", tmp_path / "out")
    assert call(*words) == 0
    run = capsys.readouterr().out.strip()
    monkeypatch.setattr(periods, "today", lambda: periods.DAY.get() or date(2032, 1, 1))
    assert call("verify", run) == 0
    assert json.loads((Path(run) / "receipt.json").read_text(encoding="utf-8"))["study"]["fresh_within"] == 3
    capsys.readouterr()
    assert call(*words) == 2  # unchanged data are stale data
    assert "85 months ago" in told(capsys)[0]


@pytest.mark.long
def test_months_to_come_stay_so_when_a_run_is_verified_later(tmp_path, monkeypatch, capsys):
    """A dossier dated in a month to come was rejected, and still is: the run is the same run."""
    export = tmp_path / "a.csv"
    simulate(export, dossiers=20_000)
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(small_notebooks(tmp_path / "notebooks", ("data_quality",))))
    monkeypatch.setattr(periods, "DAY", ContextVar("DAY", default=date(2025, 4, 15)))
    assert call("run", "demo", "-p", f"data={export}", "--lang", "vi", "--out", tmp_path / "out") == 0
    run = capsys.readouterr().out.strip()
    assert "tương lai" in (Path(run) / "report.vi.html").read_text(encoding="utf-8")
    monkeypatch.setattr(periods, "DAY", ContextVar("DAY", default=date(2032, 1, 1)))
    assert call("verify", run) == 0, capsys.readouterr().out
    monkeypatch.setattr(periods, "on", lambda day: nullcontext())
    assert call("verify", run) == 4, "the day makes no difference to these rows: the test tests nothing"
