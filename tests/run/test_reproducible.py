"""The same inputs give the same bytes, whatever the day and the number of jobs; `verify` says what is not the same."""

import json
import sys
import time
from datetime import UTC, date, datetime

import pytest
from test_cli import STUDY, call

from hgdx_eval.base import periods
from hgdx_eval.run.notebook_files import Options
from hgdx_eval.run.run import run_study
from hgdx_eval.run.verify import verify_run

pytestmark = pytest.mark.long


def write_study(folder):
    rows = [f"{u},{y},{i + (y - 2015) * 0.1 + (u == 'a' and y >= 2021) * 2 + (i * y) % 3 / 50}" for i, u in enumerate("abcdefgh")
            for y in range(2015, 2025)]  # fmt: skip
    (folder / "data.csv").write_text("unit,year,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "mine.yaml").write_text(STUDY, encoding="utf-8")


class Later(datetime):
    """A clock some months later."""

    @classmethod
    def now(cls, tz=None):
        return datetime(2031, 3, 9, 8, 7, 6, tzinfo=tz or UTC)


def run_there(folder, jobs):
    return run_study(str(folder / "mine.yaml"), {}, ["vi"], folder / "out", Options(jobs=jobs, force=True))


def published(run):
    return {
        file.relative_to(run).as_posix(): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.name != "receipt.json"
    }


def test_another_day_and_another_number_of_jobs_change_no_byte_and_verify_agrees(tmp_path, monkeypatch):
    write_study(tmp_path)
    first = run_there(tmp_path, 2)
    for name, module in list(sys.modules.items()):
        if name.startswith("hgdx_eval.") and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Later)
    monkeypatch.setattr(time, "time", lambda begun=time.time: begun() + 1e8)
    day = json.loads((first / "receipt.json").read_text(encoding="utf-8"))["day"]
    with periods.on(date.fromisoformat(day)):  # pages say the day they are of, as `verify` makes them again
        second = run_there(tmp_path, 1)
    assert second.name.startswith("20310309T080706Z")
    before, after = published(first), published(second)
    assert {"estimates.csv", "report.vi.html", "notebooks/effect.vi.html", "notebooks/effect.vi.ipynb"} <= set(before)
    assert set(before) == set(after) and [name for name in before if before[name] != after[name]] == []
    receipts = [json.loads((run / "receipt.json").read_text(encoding="utf-8")) for run in (first, second)]
    assert {key for key in receipts[0] if receipts[0][key] != receipts[1][key]} <= {
        "run",
        "day",
        "started",
        "finished",
        "seconds",
        "git_commit",
    }
    assert verify_run(first, {}) == []

    data = tmp_path / "data.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("a,2021,", "a,2021,1"), encoding="utf-8")
    told = verify_run(first, {})
    assert told[0].split() == ["where", "what", "then", "now"] and any(line.startswith("input") and "data.csv" in line for line in told)
    assert any("estimates.csv row" in line and "estimate " in line for line in told) and any("report.vi.html" in line for line in told)
    data.unlink()
    missing = call("verify", first, cwd=tmp_path)
    assert missing.returncode == 2 and "data.csv" in missing.stderr and len(missing.stderr.strip().splitlines()) == 1
