import errno
import json
import re
import sys
import threading

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_run, monthly_runs
from platformdirs import user_state_path

from hgdx_eval.base.errors import FAILURES, RunFailed
from hgdx_eval.base.progress import failure_of
from hgdx_eval.base.signals import Interrupted
from hgdx_eval.run import run_records
from hgdx_eval.run.history.chart import chart_of, looks_of
from hgdx_eval.run.history.page import PAGES, failure_text, page, refresh, spans, warning
from hgdx_eval.study.words import Words

VI, EN = Words("vi"), Words("en")


def pages(out):
    said = []
    refresh(out, said.append)
    assert said == []
    return [(out / name).read_text(encoding="utf-8") for name in PAGES.values()]


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<body>")[2]))


def test_every_run_is_listed_with_what_a_reader_asks(tmp_path):
    vi, en = pages(monthly_runs(tmp_path))
    runs = run_records.runs_of(tmp_path / "mine")
    assert len(runs) == 18 and sum(run.complete for run in runs) == 16
    for run in runs:
        assert (f'href="mine/{run.name}/report.vi.html"' in vi) == (f'href="mine/{run.name}/report.en.html"' in en) == run.complete
    assert "Có dấu hiệu tác động, chưa đủ chắc chắn" in vi and "+4,2 điểm phần trăm [3,2; 5,2]" in text_of(vi)
    assert "+4.2 percentage points [3.2; 5.2]" in text_of(en)
    assert "Số liệu kỳ cũ đã bị sửa: 1/2024–2/2024." in vi and "Data of earlier periods were revised: 1/2024–2/2024." in en
    assert "Kỳ mới: 1/2025." in vi and "từ +3,5 thành +4,3" in vi and "từ +4,2 thành +4,2" not in vi
    assert "Lỗi: notebook effect.vi, cell 3: ValueError: &lt;script&gt;" in vi and "Bị tắt đột ngột" in vi and "Killed before" in en
    assert "The verdict went from “Not enough evidence either way” to “Signs of an effect, not yet certain”." in en
    assert "4 1 234" not in vi and "1.234 dòng" in vi and "1,234 rows" in en
    assert 'href="index.en.html"' in vi and 'href="index.html"' in en


def test_every_kind_of_failure_has_a_sentence_and_a_receipt_changed_by_hand_breaks_none(tmp_path):
    told = {"notebook": "effect.vi", "cell": "3", "detail": "ValueError:\x1b[1m " + "x" * 999, "seconds": "60", "signal": "SIGTERM"}
    for lang, taken in (
        ("vi", "Sổ tính effect.vi, ô 3 dừng vì lỗi: ValueError:"),
        ("en", "Notebook effect.vi, cell 3 stopped on an error: ValueError:"),
    ):
        said = {kind: failure_text({"failure": {"kind": kind, **told}}, Words(lang)) for kind in FAILURES}
        assert len(set(said.values())) == len(FAILURES) and said["cell_error"].startswith(taken)
        assert all(len(text) < 320 and "\x1b" not in text and "{" not in text for text in said.values())
        for broken in (
            {},
            {"failure": "x"},
            {"failure": {"kind": "cell_error"}},
            {"failure": {"kind": ["x"]}},
            {"reason": 5, "failure": None},
        ):
            assert failure_text(broken, Words(lang))


def test_what_stopped_a_run_is_one_of_the_kinds():
    cases = {"stopped": Interrupted("SIGTERM"), "run_time": Interrupted("the time limit", 7200.0), "disk_full": OSError(errno.ENOSPC, "full"),
             "not_writable": PermissionError(errno.EACCES, "no"), "other": ValueError("x"), "no_estimate": RunFailed("none", "no_estimate")}  # fmt: skip
    for kind, error in cases.items():
        failure = failure_of(error)
        assert failure["kind"] == kind and set(failure) == {"kind", *FAILURES[kind]}
    assert failure_of(cases["run_time"])["seconds"] == "7200"


def test_the_page_asks_for_nothing_and_runs_nothing(tmp_path):
    bad = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    made_run(tmp_path, "20240105T020000Z-00000001", state="failed", reason=bad)
    run = made_run(tmp_path, "20240205T020000Z-00000002")
    receipt = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
    receipt["inputs"][0]["file"] = bad
    receipt["result"]["titles"] = {lang: {"title": bad, "place": bad} for lang in ("vi", "en")}
    (run / "receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
    for html in pages(tmp_path):
        assert "default-src 'none'" in html
        assert "<script" not in html and not re.search(r"<[^>]+\son\w+=", html)
        assert not re.search(r'(?:src|href)="(?!#|index|mine/|data:text/csv)', html)


@pytest.mark.parametrize(("zone", "vi", "en"), [
    ("Asia/Ho_Chi_Minh", "6/2/2024, 00:30 (giờ Việt Nam)", "6 February 2024, 00:30 (Vietnam Time)"),
    (None, "5/2/2024, 17:30 (UTC)", "5 February 2024, 17:30 (UTC)"), ("No/Where", "5/2/2024, 17:30 (UTC)", "5 February 2024, 17:30 (UTC)"),
    ("America/New_York", "5/2/2024, 12:30 (giờ Hoa Kỳ (New York))", "5 February 2024, 12:30 (United States (New York) Time)"),
])  # fmt: skip
def test_runs_are_dated_in_the_studys_time_zone(tmp_path, zone, vi, en):
    made_run(tmp_path, "20240205T173000Z-00000001")  # of an earlier version, which wrote down no zone
    made_run(tmp_path, "20240305T173000Z-00000002", **({"time_zone": zone} if zone else {}))
    made_run(tmp_path, "20240405T173000Z-00000003", state="failed", reason="x")
    for said, html in zip((vi, en), pages(tmp_path), strict=True):
        assert said in html


def test_what_changed_names_each_cause(tmp_path):
    base = dict(periods={"2024-01": "a", "2024-02": "b"})
    first = run_records.read_run(made_run(tmp_path, "20240305T020000Z-00000001", **base, inputs=[]))
    same = run_records.read_run(made_run(tmp_path, "20240305T020001Z-00000002", **base, inputs=[]))
    assert run_records.changes(first, same) == []
    for number, (name, change) in enumerate({"facts": {"facts_sha256": "x"}, "code": {"code_sha256": "x"}, "packages": {"packages": {}},
            "notebooks": {"notebooks_sha256": "x"}, "study": {"keys": {"cluster": "x"}},
            "data": {"inputs": [{"file": "a", "sha256": "x"}]}}.items()):  # fmt: skip
        other = run_records.read_run(made_run(tmp_path, f"20240306T02000{number}Z-00000003", **{**base, "inputs": [], **change}))
        assert run_records.changes(first, other) == [name]
    later = run_records.read_run(made_run(tmp_path, "20240405T020000Z-00000004", periods={"2024-01": "z", "2024-02": "b", "2024-03": "c"}))
    assert run_records.revised(first, later) == ["2024-01"] and run_records.added(first, later) == ["2024-03"]
    other_machine = run_records.Run("x", first.folder, first.receipt, {**first.result, "periods_key": "another"})
    assert run_records.revised(other_machine, later) == []


@settings(max_examples=25)
@given(st.permutations(range(6)), st.integers(0, 5))
def test_a_months_hash_knows_its_rows_and_not_their_order(order, changed):
    cells = pd.DataFrame({"agency": list("aabbcc"), "period": pd.PeriodIndex(["2024-01", "2024-02"] * 3, freq="M"),
                          "received": [5, 6, 7, 8, 9, 10], "online": [1, 2, 3, 4, 5, 6]})  # fmt: skip
    key = b"k" * 32
    before = run_records.month_hashes(cells, key)
    assert run_records.month_hashes(cells.iloc[list(order)], key) == before
    assert run_records.month_hashes(cells, b"o" * 32)["2024-01"] != before["2024-01"]
    other = cells.assign(online=[v + (i == changed) for i, v in enumerate(cells["online"])])
    after = run_records.month_hashes(other, key)
    assert [period for period in before if before[period] != after[period]] == [f"2024-0{changed % 2 + 1}"]


@pytest.mark.parametrize(("periods", "said"), [
    (["2023-W10", "2023-W11", "2023-W13"], "tuần 10/2023–tuần 11/2023, tuần 13/2023"), (["2020-W53", "2021-W01"], "tuần 53/2020–tuần 1/2021"),
    (["2023-02-28", "2023-03-01", "2023-03-03"], "28/2/2023–1/3/2023, 3/3/2023"), (["2023Q4", "2024Q1"], "IV/2023–I/2024"),
    (["2024-01", "2024-02"], "1/2024–2/2024")])  # fmt: skip
def test_revised_weeks_and_days_are_told_as_spans(periods, said):
    assert spans(periods, Words("vi")) == said


def test_hashes_of_weeks_are_named_as_weeks_are_written():
    cells = pd.DataFrame({"unit": ["a", "a"], "period": pd.PeriodIndex(["2020-12-28", "2021-01-04"], freq="W"), "outcome": [1.0, 2.0]})
    assert list(run_records.month_hashes(cells, b"k" * 32)) == ["2020-W53", "2021-W01"]


def test_the_key_is_private_and_stays():
    key = run_records.machine_key()
    assert len(key) == 32 and run_records.machine_key() == key
    assert (user_state_path("hgdx_eval") / "key").stat().st_mode & 0o077 == 0


def test_the_chart_is_drawn_not_told(tmp_path):
    for html in pages(monthly_runs(tmp_path)):
        assert "<svg" in html and "&lt;svg" not in html and "&lt;figure" not in html


def test_the_chart_marks_revisions_and_the_warning_says_what_the_looks_say(tmp_path):
    runs = [run for run in run_records.runs_of(monthly_runs(tmp_path) / "mine") if run.complete]
    figure = chart_of("mine", runs, looks_of(runs[-1]), EN)
    assert figure.csv.count("True") == 1 and "1 of 16 runs found earlier periods revised" in figure.alt
    assert "Over 16 runs the estimate went from +6.2 to +4.2" in figure.title
    for looks, says in (([("2024-01", 4, 5), ("2024-02", 4, 1)], "sequential interval excludes 0"),
                        ([("2024-01", 4, 5), ("2024-02", 4, 3)], "no place to stop"), ([("2024-01", 4, 5), ("2024-02", 4, 9)], "both intervals include 0")):  # fmt: skip
        name = f"2025010{len(looks)}T02000{looks[1][2] % 10}Z-00000009"
        assert says in warning(looks_of(run_records.read_run(made_run(tmp_path, name, study="other", history=looks))), EN)
    assert "too often" in warning(looks_of(run_records.read_run(made_run(tmp_path, "20250201T020000Z-00000009", study="other"))), EN)


@pytest.mark.parametrize(
    "wrong", ["", "[]", "{}", '{"run": "x"}', '{"run": "20240105T020000Z-00000001", "result": 3, "state": "complete"}']
)
def test_a_receipt_that_somebody_broke_fails_nothing(tmp_path, wrong):
    made_run(tmp_path, "20240205T020000Z-00000002")
    folder = tmp_path / "mine/20240105T020000Z-00000001"
    folder.mkdir()
    (folder / "receipt.json").write_text(wrong, encoding="utf-8")
    said = []
    refresh(tmp_path, said.append)
    assert (tmp_path / "index.html").is_file() and said == []


def test_links_are_not_followed_and_other_folders_not_listed(tmp_path):
    outside = tmp_path / "outside"
    made_run(outside, "20240205T020000Z-00000002", study="secret")
    out = tmp_path / "out"
    made_run(out, "20240205T020000Z-00000002")
    (out / "linked").symlink_to(outside / "secret")
    (out / "mine/20240305T020000Z-00000003").symlink_to(outside / "secret/20240205T020000Z-00000002")
    (out / "notes").mkdir()
    assert run_records.studies(out) == ["mine"] and len(run_records.runs_of(out / "mine")) == 1


def test_readers_never_see_a_part_of_the_page(tmp_path):
    made_run(tmp_path, "20240205T020000Z-00000002")
    pages(tmp_path)
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            text = (tmp_path / "index.html").read_text(encoding="utf-8")
            if not text.endswith("</body></html>"):
                torn.append(len(text))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        refresh(tmp_path, print)
    stop.set()
    reader.join()
    assert torn == [] and not list(tmp_path.glob(".*.new"))


def test_an_empty_folder_says_so():
    assert "No run yet" in page({}, "en") and "Chưa có lần chạy nào" in page({}, "vi")


def test_a_signal_while_the_page_is_written_undoes_no_published_run(tmp_path, monkeypatch, capsys):
    from hgdx_eval.run import run
    from hgdx_eval.run.history import page

    def interrupted(*_):
        raise Interrupted("SIGTERM")

    made_run(tmp_path, "20240205T020000Z-00000002")
    monkeypatch.setattr(page, "refresh", interrupted)
    run.refresh_history(tmp_path / "mine")
    assert "stopped by SIGTERM while" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "hgdx_eval.run.history.page", None)  # as after an import that a signal stopped
    run.refresh_history(tmp_path / "mine")
    assert "the history page could not be written: ModuleNotFoundError" in capsys.readouterr().err
    run.refresh_history(tmp_path / "never_ran")
    assert not (tmp_path / "index.html").exists()


def test_the_run_with_which_a_blind_study_was_estimated_says_so_once(tmp_path):
    made_run(tmp_path, "20240105T020000Z-00000001")
    made_run(tmp_path, "20240205T020000Z-00000002", blind_lifted="2024-02-05")
    made_run(tmp_path, "20240305T020000Z-00000003", blind_lifted="2024-03-05")
    vi, en = pages(tmp_path)
    assert en.count("Blind until") == 1 and "Blind until 2024-02-05" in en and "Chưa xem kết quả đến 2024-02-05" in vi
