"""A dossier list of any size in the full 24 columns: the kit against polars and pandas, on the same columns and rules.

    python benchmarks/export_size.py [--dossiers 10000000] [--runs 3] [--folder DIR]

Each reader runs as a process of its own, in turn: wall seconds and peak memory of the whole process, the counts of every reason
and cell held to be the same. The list is made by `simulate`; a tenth of it shows what ten times the rows cost.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
NUMBER, PROCEDURE, AGENCY, DAY, ONLINE, NOTE = (
    "Mã hồ sơ", "Mã thủ tục", "Cơ quan thụ lý", "Ngày tiếp nhận", "Trực tuyến", "Ghi chú nộp")  # fmt: skip
YES, NO = ["có", "x", "1", "true", "yes", "trực tuyến", "online"], ["không", "0", "false", "no", "trực tiếp", "một cửa"]
FORM, STAFF, TOTAL, FIRST, LAST = "%d/%m/%Y %H:%M", "cán bộ nộp thay", r"^\s*(?:tổng|cộng)", (2000, 1, 1), time.localtime()[:2]
MEMORY_MB, POLARS, PARQUET, GROWTH = 600, 1.3, 5.0, 11.0


def kit(path: Path) -> dict:
    from hgdx_eval.vietnam.count_dossiers import count_dossiers

    cells = count_dossiers([path]).cells
    return told(cells.assign(reason=cells["reason"].fillna("")).fillna({"agency": "", "procedure": "", "month": ""}))


def polars(path: Path) -> dict:
    import polars as pl

    def text(name: str) -> pl.Expr:
        return pl.col(name).str.strip_chars().replace("", None)

    def told_as(reason: str) -> pl.Expr:
        return pl.lit(reason)

    source = pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path, infer_schema=False)
    day = pl.col("cell").str.strptime(pl.Datetime, FORM, strict=False).dt.date()
    answer = text(ONLINE).str.to_lowercase()
    frame = source.with_row_index("row", 2).select(
        "row", number=text(NUMBER), procedure=text(PROCEDURE), agency=text(AGENCY), cell=text(DAY),
        online=pl.when(answer.is_null()).then(False).when(answer.is_in(YES)).then(True).when(answer.is_in(NO)).then(False),
        assisted=pl.col(NOTE).str.to_lowercase().str.starts_with(STAFF).fill_null(False),
    ).with_columns(day=day)  # fmt: skip
    later = pl.date(LAST[0] + LAST[1] // 12, LAST[1] % 12 + 1, 1)
    nothing = pl.col("procedure").is_null() & pl.col("agency").is_null() & pl.col("cell").is_null()
    lacking = pl.col("procedure").is_null() | pl.col("agency").is_null() | pl.col("day").is_null()
    frame = frame.with_columns(fault=pl.when(nothing | (lacking & pl.col("number").str.to_lowercase().str.contains(TOTAL)))
                               .then(told_as("total_row")).when(pl.col("number").is_null()).then(told_as("no_dossier_number"))
                               .when(pl.col("procedure").is_null()).then(told_as("no_procedure"))
                               .when(pl.col("agency").is_null()).then(told_as("no_agency"))
                               .when(pl.col("day").is_null() | (pl.col("day") < pl.date(*FIRST))).then(told_as("unreadable_date"))
                               .when(pl.col("day") >= later).then(told_as("future_date"))
                               .when(pl.col("online").is_null()).then(told_as("unreadable_online")))  # fmt: skip
    own = pl.when(pl.col("fault").is_null()).then(pl.col("number")).otherwise(pl.lit("\0") + pl.col("row").cast(pl.String))
    frame = frame.with_columns(reason=pl.coalesce("fault", pl.when(~own.is_first_distinct()).then(told_as("duplicate"))))
    counts = pl.col("reason").is_null()
    frame = frame.with_columns(pl.when(counts).then(pl.col("agency")), pl.when(counts).then(pl.col("procedure")),
                               month=pl.when(counts).then(pl.col("day").dt.truncate("1mo")))  # fmt: skip
    cells = frame.group_by("reason", "agency", "procedure", "month").agg(
        n=pl.len(), online=pl.col("online").sum(), assisted=(pl.col("online") & pl.col("assisted")).sum(),
        examples=pl.when(pl.col("reason").is_not_null()).then(pl.col("row")).drop_nulls().bottom_k(5),
    ).collect()  # fmt: skip
    columns = {name: cells[name].to_list() for name in ("reason", "agency", "procedure", "n", "online", "assisted")}
    import pandas as pd

    months = [month.strftime("%Y-%m") if month else "" for month in cells["month"].to_list()]
    return told(pd.DataFrame({**columns, "month": months}).fillna({"reason": "", "agency": "", "procedure": ""}))


def pandas(path: Path) -> dict:
    import pandas as pd

    wanted = [NUMBER, PROCEDURE, AGENCY, DAY, ONLINE, NOTE]
    kinds = {name: "str" if name in (NUMBER, DAY) else "category" for name in wanted}
    frame = pd.read_csv(path, usecols=wanted, dtype=kinds)
    procedure, agency = (frame[name].cat.rename_categories(lambda text: text.strip()) for name in (PROCEDURE, AGENCY))
    number = frame[NUMBER].str.strip()
    day = pd.to_datetime(frame[DAY].str.strip(), format=FORM, errors="coerce")
    answers = {text: text.strip().lower() for text in frame[ONLINE].cat.categories}
    online = frame[ONLINE].map({text: 1.0 if word in YES else 0.0 if word in NO else float("nan") for text, word in answers.items()})
    online = online.astype(float).where(frame[ONLINE].notna(), 0.0)
    notes = {text: text.lower().startswith(STAFF) for text in frame[NOTE].cat.categories}
    assisted = frame[NOTE].map(notes).astype("boolean").fillna(False).astype(bool)
    reason = pd.Series("", index=frame.index, dtype=object)
    later = pd.Timestamp(LAST[0] + LAST[1] // 12, LAST[1] % 12 + 1, 1)
    lacking = procedure.isna() | agency.isna() | day.isna()
    total = lacking & number.str.lower().str.contains(TOTAL, regex=True).fillna(False)
    for name, wrong in (("unreadable_online", online.isna()), ("future_date", day >= later),
                        ("unreadable_date", day.isna() | (day < pd.Timestamp(*FIRST))), ("no_agency", agency.isna()),
                        ("no_procedure", procedure.isna()), ("no_dossier_number", number.isna()), ("total_row", total)):  # fmt: skip
        reason[wrong] = name
    reason[(reason == "") & number.where(reason == "").duplicated() & number.notna()] = "duplicate"
    month = day.dt.strftime("%Y-%m").where(reason == "", "")
    cells = pd.DataFrame({"reason": reason, "agency": agency.astype(object).where(reason == "", ""), "month": month,
                          "procedure": procedure.astype(object).where(reason == "", ""), "n": 1, "online": online.fillna(0),
                          "assisted": (online == 1) & assisted})  # fmt: skip
    return told(cells.groupby(["reason", "agency", "procedure", "month"], as_index=False).sum())


def told(cells: object) -> dict:
    """What must be equal: rows by reason, and a hash over every cell that counts."""
    import pandas as pd

    cells = pd.DataFrame(cells)
    sums = cells.groupby(["reason", "agency", "procedure", "month"], as_index=False)[["n", "online", "assisted"]].sum()
    good = sums[sums["reason"] == ""].astype({"n": int, "online": int, "assisted": int}).sort_values(["agency", "procedure", "month"])
    rows = sums.groupby("reason")["n"].sum().astype(int).to_dict()
    return {"rows": rows, "cells": hashlib.sha256(good.to_csv(index=False).encode()).hexdigest()}


def measured(reader: str, path: Path) -> tuple[float, float, dict]:
    """(wall seconds, peak MB, what was told) of one process."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--reader", reader, "--file", str(path)], stdout=subprocess.PIPE)
    took = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{reader} failed on {path.name}")
    answer = json.loads(done.stdout)
    return took, answer.pop("peak_mb"), answer


def peak_mb() -> float:
    """The most memory that this process held; a system's own accounts may count its parent's in."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))) / 1024
    import psutil

    return psutil.Process().memory_info().peak_wset / 1e6


def compare(readers: list[tuple[str, Path]], runs: int) -> dict[tuple[str, str], tuple[float, float, list[float]]]:
    """(reader, file name) -> (median seconds, most MB, seconds of every run), run in turn."""
    seconds, peak, answers = {}, {}, {}
    for _ in range(runs):
        for reader, path in readers:
            took, memory, answer = measured(reader, path)
            seconds.setdefault((reader, path.name), []).append(took)
            peak[reader, path.name] = max(memory, peak.get((reader, path.name), 0))
            answers.setdefault(path.stem, answer)
            if answer != answers[path.stem]:
                sys.exit(f"{reader} counts otherwise: {answer['rows']} against {answers[path.stem]['rows']}")
    for (reader, name), took in seconds.items():
        print(f"{reader:8} {name:22} {statistics.median(took):7.1f} s ({min(took):.1f}-{max(took):.1f})  {peak[reader, name]:6.0f} MB")
    return {key: (statistics.median(took), peak[key], took) for key, took in seconds.items()}


def as_parquet(path: Path) -> Path:
    import duckdb

    target = path.with_suffix(".parquet")
    if not target.is_file():
        source = f"read_csv('{path}', header=true, all_varchar=true)"
        duckdb.execute(f"COPY (SELECT * FROM {source}) TO '{target}' (FORMAT parquet)")
    return target


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--dossiers", type=int, default=10_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--folder", type=Path)
    options.add_argument("--reader")
    options.add_argument("--file", type=Path)
    given = options.parse_args()
    if given.reader:
        answer = {"kit": kit, "polars": polars, "pandas": pandas}[given.reader](given.file)
        print(json.dumps({**answer, "peak_mb": peak_mb()}))
        return
    folder = given.folder or Path(tempfile.mkdtemp(prefix="hgdx-size-"))
    from hgdx_eval.vietnam.made_up_world import simulate

    files = {}
    for dossiers in (given.dossiers // 10, given.dossiers):
        files[dossiers] = folder / f"hoso{dossiers}.csv"
        if not files[dossiers].is_file():
            simulate(files[dossiers], dossiers=dossiers)
    big, small = files[given.dossiers], files[given.dossiers // 10]
    print(f"{given.dossiers:,} dossiers, {big.stat().st_size / 1e9:.2f} GB, 24 columns; {given.runs} runs each, in turn")
    table = as_parquet(big)
    found = compare([("kit", big), ("polars", big), ("pandas", big), ("kit", table), ("polars", table), ("kit", small)], given.runs)
    ours, memory, _ = found["kit", big.name]
    pairs = [a / b for a, b in zip(found["kit", big.name][2], found["polars", big.name][2], strict=True)]
    print(f"kit / polars {statistics.median(pairs):.2f} (bar {POLARS}), kit / pandas {ours / found['pandas', big.name][0]:.2f} (bar 1)")
    print(f"Parquet: {ours / found['kit', table.name][0]:.1f} times as fast as the same list as CSV, "
          f"{found['pandas', big.name][0] / found['kit', table.name][0]:.1f} times as fast as pandas on CSV (bar {PARQUET:g})")  # fmt: skip
    print(f"10 times the rows: {ours / found['kit', small.name][0]:.1f} times the seconds (bar {GROWTH:g})")
    others = ", ".join(f"{reader} {found[reader, big.name][1]:.0f}" for reader in ("polars", "pandas"))
    print(f"peak memory {memory:.0f} MB (bar {MEMORY_MB}), {others}")
    sys.exit(0 if memory < MEMORY_MB else 1)


if __name__ == "__main__":
    main()
