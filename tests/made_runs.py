"""Folders of runs as a run leaves them, made without running anything."""

import json

import pandas as pd

from hgdx_eval.estimation.results import result_table


def looks(values, study="mine", scale="pp"):
    """`as_of` rows of these (period, estimate, half width)."""
    rows = []
    for period, value, half in values:
        for kind, wide in (("cluster", half), ("sequential", 1.6 * half)):
            rows.append({"term": "specification", "group": "as_of", "period": period, "estimate": value, "std_error": half / 1.96,
                         "ci_low": value - wide, "ci_high": value + wide, "inference": kind})  # fmt: skip
    return rows, dict(study=study, outcome="online/received", estimator="two_way_fixed_effects", scale=scale, notebook="robustness")


def made_run(out, name, study="mine", value=4.0, half=1.0, verdict=2, last="2024-03", periods=None, history=(), state="complete",
             simulated=True, keys=(), **receipt):  # fmt: skip
    """`out/<study>/<name>/` with receipt.json and estimates.csv; a failed one under `failed/`, with its reason."""
    folder = out / study / (name if state == "complete" else f"failed/{name}")
    folder.mkdir(parents=True)
    told = {"run": name, "state": state, "study": {"study": study, "data": "a.csv", **dict(keys)}, "languages": ["vi", "en"], "simulated": simulated,
            "inputs": [{"file": "a.csv", "sha256": f"{name}0" * 3, "rows": 1234}], "facts_sha256": "f", "code_sha256": "c",
            "notebooks_sha256": "n", "packages": {"numpy": "2"}, "python": "3.11.0", **receipt}  # fmt: skip
    if state == "complete":
        main = {"estimator": "two_way_fixed_effects", "estimate": value, "ci_low": value - half, "ci_high": value + half, "level": 0.95,
                "p_value": 0.01, "inference": "cluster", "scale": "pp", "outcome": "online/received"}  # fmt: skip
        told["result"] = {"main": main, "verdict": verdict, "last_period": last, "rows": 1234, "periods_key": "k", "titles": {
            lang: {"title": title, "place": "Hậu Giang"} for lang, title in (("vi", "Giảm phí và nộp trực tuyến"), ("en", "Fee cut"))},
            "periods": periods or {}}  # fmt: skip
        rows, common = looks(history, study)
        overall = {**main, "term": "overall", "notebook": "effect", "study": study}
        table = result_table([overall, *({**common, **row} for row in rows)])
        table.to_csv(folder / "estimates.csv", index=False, lineterminator="\n")
        for lang in ("vi", "en"):
            (folder / f"report.{lang}.html").write_text("<!doctype html>", encoding="utf-8")
    (folder / "receipt.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return folder


def monthly_runs(out, study="mine", runs=16):
    """A year and more of monthly runs, one of which found earlier months revised, and two that failed."""
    months = [str(month) for month in pd.period_range("2023-10", periods=runs, freq="M")]
    history, periods = [], {}
    for i, month in enumerate(months):
        history = [*history, (month, 4 + 3 / (i + 1), 4 / (i + 1) ** 0.5)]
        periods = {**periods, month: f"h{i}"}
        if i == 9:
            periods["2024-01"] = periods["2024-02"] = "other"
        value, half = history[-1][1] - 0.8 * (i < 9), history[-1][2]
        year, number = int(month[:4]) + int(month[5:]) // 12, int(month[5:]) % 12 + 1
        made_run(out, f"{year}{number:02d}05T020000Z-{i:08x}", study, value, half, 3 if i < 5 else 2, month, periods, history)
    made_run(out, "20240405T010000Z-0000aaaa", study, state="failed", reason="notebook effect.vi, cell 3: ValueError: <script>x</script>")
    made_run(out, "20250105T010000Z-0000bbbb", study, state="killed", reason="the run was killed")
    return out
