"""No personal value in anything that the program produces: canaries in every personal cell, and a search of all that is left."""

import base64
import gzip
import json
import os
import subprocess
import sys
import unicodedata
import zlib
from urllib.parse import quote

import duckdb
import pytest
from canaries import MAIL, NAME, NOTE, NUMBER, PHONE, bad_rows, everything, export_rows, found_in, leaks, payments, write
from small_run import ROOT, small_notebooks

from hgdx_eval import cli
from hgdx_eval.run.notebook_files import NOTEBOOKS

STUDY = """study: canary
data: {data}
layout: opencps_dossiers
unit: agency
period: period
frequency: M
numerator: online
denominator: received
cluster: cluster
treated_from: {{Thành phố Vị Thanh: 2023-08, Huyện Phụng Hiệp: 2023-08, Huyện Châu Thành: 2023-08}}
estimator: two_way_fixed_effects
"""
TABLE = """study: table
data: {data}
unit: Cơ quan thụ lý
period: Ngày tiếp nhận
frequency: M
outcome: Trực tuyến
treated_from: {{Sở Tư pháp: 2023-08}}
weights: none
cluster: Cơ quan thụ lý
estimator: two_way_fixed_effects
"""
ASKED = """import os, shutil, sys
import psutil
here = psutil.Process()
seen = os.path.join(os.environ["SEEN_WORK"], str(os.getpid()))
with open(seen + ".txt", "w") as out:
    print(sys.argv, dict(os.environ), here.cmdline(), here.parent().cmdline(), here.parent().environ(), file=out)
def copy(source, target):
    try:
        return shutil.copy2(source, target)
    except FileNotFoundError:  # other notebooks of the run go on
        return target
copied = shutil.copytree(os.environ["HGDX_WORK"], seen, copy_function=copy, ignore=lambda d, names: [
    n for n in names if not os.path.isfile(os.path.join(d, n)) and not os.path.isdir(os.path.join(d, n))])
assert not [name for _, _, names in os.walk(copied) for name in names if name.startswith("history.sqlite")]
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The same canaries as CSV, XLSX and Parquet, with bad rows; and a folder with the fee detail."""
    folder = tmp_path_factory.mktemp("exports")
    rows = export_rows(folder, 1500)
    fees = folder / "plain.csv.fees.csv"
    whole = [*rows[:-200], *bad_rows(rows[1]), *rows[-200:]]
    found = {kind: write(folder / f"ho_so.{kind}", whole, fees) for kind in ("csv", "xlsx", "parquet")}
    both = folder / "both"
    both.mkdir()
    write(both / "ho_so.csv", whole, fees)
    write(both / "le_phi.xlsx", payments(rows))
    bad_fees = [*payments(rows)[:20], [NUMBER, NAME, NAME, NAME, NAME, PHONE, NAME, NOTE], [NAME, "", "", "", "1", "1", "3", NOTE]]
    broken = write(folder / "le_phi_hong.csv", [*bad_fees, [NAME] * 12])
    return {
        **found,
        "both": both,
        "fees": write(folder / "le_phi.csv", bad_fees),
        "broken_fees": broken,
        "rows": rows,
        "fee_schedule": fees,
    }


def call(capfd, *words) -> tuple[int, str]:
    """(exit code, all that was said) of one command."""
    with pytest.raises(SystemExit) as leave:
        cli.main([str(word) for word in words])
    out, err = capfd.readouterr()
    return leave.value.code, out + err


@pytest.mark.parametrize(
    "planted",
    [
        NAME, NAME.upper(), unicodedata.normalize("NFD", NAME), quote(NAME), quote(quote(NAME)), NAME.encode("utf-16-le"),
        b"x" + NAME.encode("utf-16-be"), base64.b64encode(b"abc" + NAME.encode()), b"data:text/csv;base64," + base64.urlsafe_b64encode(NAME.encode()),
        b"x" + base64.b64encode(f"...{PHONE}...".encode()), gzip.compress(NAME.encode(), mtime=0), "".join(f"&#{ord(c)};" for c in NAME), ascii(NAME),
        repr(NAME.encode()), f"thư {MAIL}", f"số {NUMBER}-5", NOTE.lower(), "Nguyen Thi Quynhkhuou",
    ],
)  # fmt: skip
def test_the_search_finds_a_planted_leak(tmp_path, planted):
    data = planted if isinstance(planted, bytes) else planted.encode()
    path = tmp_path / "a.bin"
    path.write_bytes(data if data.startswith(b"\x1f\x8b") else b'<a href="' + data + b'">' if b"data:" in data else data)
    assert found_in(path) and everything(tmp_path)
    assert not leaks(b"Nguy\xe1\xbb\x85n Th\xe1\xbb\x8b An, 0912345678" + zlib.compress(b"x"))


def test_the_exports_hold_canaries_in_every_kind(exports):
    assert all(found_in(exports[kind]) for kind in ("csv", "xlsx", "parquet", "fees"))


@pytest.mark.parametrize("kind", ["csv", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("xlsx", "parquet"))])
def test_check_and_panels_tell_nothing_personal(exports, tmp_path, capfd, kind):
    for words in (
        ("check",),
        ("check", "--json"),
        ("check", "--lang", "en"),
        ("check", "--layout", "table"),
        ("check", "--layout", "opencps_fees"),
    ):
        code, said = call(capfd, words[0], exports[kind], *words[1:])
        assert not leaks(said.encode()), said
        assert code == (2 if "opencps_fees" in words or ("table" in words and kind == "csv") else 0), said  # as a table it has broken rows
    for name, options in (("internal", ()), ("released", ("--release",))):
        code, said = call(capfd, "panel", exports[kind], "-o", tmp_path / f"{name}.parquet", *options)
        assert code == 0 and not leaks(said.encode()), said
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_row_with_a_cell_too_few_puts_nobody_into_the_procedures(exports, tmp_path, capfd, missing):
    header, *rows = exports["rows"]
    quiet = [header.index(name) for name in ("Mã hồ sơ gốc", "Ngày gia hạn", "Trạng thái", "Ngày hoàn thành", "Ngày trả")]
    shifted = [
        [("" if i in quiet else "15/08/2023" if header[i] == "Ngày hẹn trả" else cell) for i, cell in enumerate(row)] for row in rows[:30]
    ]
    shifted = [[*row[:missing], *row[missing + 1 :]] for row in shifted]
    path = write(tmp_path / "a.csv", [header, *rows[40:400], *shifted], exports["fee_schedule"])
    code, said = call(capfd, "panel", path, "-o", tmp_path / "p.parquet")
    assert code == 0 and not leaks(said.encode())
    told = {row[0] for row in duckdb.sql(f"SELECT DISTINCT procedure FROM '{tmp_path / 'p.parquet'}'").fetchall()}
    assert told and not leaks(repr(told).encode())
    _, said = call(capfd, "check", path, "--lang", "en")
    assert "the procedure code is no code" in said or missing == 2, said


def test_fee_details_tell_nothing_personal(exports, tmp_path, capfd):
    for words in (("check", exports["fees"]), ("check", exports["fees"], "--json"), ("check", exports["broken_fees"]),
                  ("panel", exports["both"], "-o", tmp_path / "p.parquet"), ("panel", exports["fees"], "-o", tmp_path / "q.parquet")):  # fmt: skip
        _, said = call(capfd, *words)
        assert said and not leaks(said.encode()), said
    assert everything(tmp_path) == {} and (tmp_path / "p.parquet").is_file()


@pytest.mark.parametrize("damage", ["quote", "nothing_usable", "no_header", "moved_headers", "bytes", "long_line", "json", "cut_workbook"])
def test_what_cannot_be_read_is_refused_without_its_text(exports, tmp_path, capfd, damage):
    rows = exports["rows"]
    path = tmp_path / "a.csv"
    if damage == "nothing_usable":
        write(path, [rows[0], *bad_rows(rows[1])[:3]])
    elif damage == "no_header":
        write(path, rows[1:40])
    elif damage == "moved_headers":
        write(path, [[*rows[0][1:], rows[0][0]], *rows[1:40]])
    elif damage == "json":
        path = tmp_path / "a.json"
        path.write_text(json.dumps([{"Mã hồ sơ": NUMBER, "Chủ hồ sơ": NAME}], ensure_ascii=False)[:-1] + NAME, encoding="utf-8")
    elif damage == "cut_workbook":
        path = tmp_path / "a.xlsx"
        path.write_bytes(exports["xlsx"].read_bytes()[:9000] + NAME.encode())
    else:
        write(path, rows[:40])
        text = path.read_bytes()
        end = {"quote": f'"{NAME},{PHONE}\n{NAME}"x",{NOTE}\n'.encode(), "bytes": b"\xff\xfe\xfd" + NAME.encode("utf-16-le"),
               "long_line": (NAME * 4_000).encode()}[damage]  # fmt: skip
        path.write_bytes(text + end + text[-3000:])
    (tmp_path / (path.name + ".fees.csv")).write_bytes(exports["fee_schedule"].read_bytes())
    codes = []
    (tmp_path / "t.yaml").write_text(TABLE.format(data=path.name), encoding="utf-8")
    for words in (("check", path), ("check", path, "--json"), ("check", path, "--layout", "table"), ("check", path, "--layout", "opencps_dossiers"),
                  ("run", tmp_path / "t.yaml", "--out", tmp_path / "out"), ("panel", path, "-o", tmp_path / "p.parquet"), ("run", "nq04_2023", "-p", f"data={path}",
                  "-p", "estimator=interrupted_time_series", "--out", tmp_path / "out")):  # fmt: skip
        code, said = call(capfd, *words)
        codes.append(code)
        assert not leaks(said.encode()) and "Traceback" not in said, said
    path.unlink()
    assert codes[-1] == 2 and not (tmp_path / "out").exists()
    assert not (tmp_path / "p.parquet").exists() or found_in(tmp_path / "p.parquet") == set()


def run(folder, *words, **more) -> subprocess.CompletedProcess:
    for name in ("home", "temp", "seen", "config"):
        (folder / name).mkdir(exist_ok=True)
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder / "home"))
    environment = {
        **os.environ,
        **homes,
        "TMPDIR": str(folder / "temp"),
        "SEEN_WORK": str(folder / "seen"),
        "PYTHONPATH": str(ROOT),
        **more,
    }
    done = subprocess.run([sys.executable, "-m", "hgdx_eval", *map(str, words)], capture_output=True, cwd=folder, env=environment)
    assert not leaks(done.stdout + done.stderr), (done.stdout + done.stderr).decode()
    return done


@pytest.mark.long
def test_runs_that_end_well_or_badly_leave_nothing_personal(exports, tmp_path):
    (tmp_path / "s.yaml").write_text(STUDY.format(data=exports["both"]), encoding="utf-8")
    small = small_notebooks(tmp_path / "notebooks", ("data_quality",), ASKED)
    done = run(tmp_path, "run", "s.yaml", "--lang", "vi", "--out", "out", HGDX_NOTEBOOKS=str(small))
    assert done.returncode == 0, done.stderr.decode()
    where = done.stdout.decode().strip()
    assert list((tmp_path / "seen").rglob("panel.pickle")) and (tmp_path / where / "report.vi.html").is_file()
    again = run(tmp_path, "verify", where, HGDX_NOTEBOOKS=str(small))
    assert again.returncode == 0, again.stdout.decode()
    assert len(list((tmp_path / "seen").glob("*.txt"))) > 1
    failing = small_notebooks(tmp_path / "failing", (), "raise ValueError(panel.cells.to_string() + str(panel.rejected))")
    failed = run(tmp_path, "run", "s.yaml", "--lang", "vi", "--out", "out", "--force", HGDX_NOTEBOOKS=str(failing))
    assert failed.returncode == 1 and list((tmp_path / "out").glob("canary/failed/*/notebooks/*.ipynb"))
    assert run(tmp_path, "simulate", "made.csv", "--dossiers", "2000").returncode == 0
    assert everything(tmp_path) == {}


@pytest.mark.long
def test_the_whole_report_holds_nothing_personal(exports, tmp_path):
    done = run(tmp_path, "run", "nq04_2023", "-p", f"data={exports['xlsx']}", "--lang", "vi", "--out", "out", "-p",
               "estimators=[two_way_fixed_effects, callaway_santanna]")  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert len(list((tmp_path / "out").rglob("*.html"))) == 2 + 2 + len(NOTEBOOKS) + 1  # history, report and brief, notebooks, scorecard
    assert everything(tmp_path) == {}
