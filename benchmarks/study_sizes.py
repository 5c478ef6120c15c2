"""The whole report, all methods, both languages, of made-up studies of many units and clusters: CPU of all processes and peak memory.

    python benchmarks/study_sizes.py [UNITSxPERIODSxCLUSTERS ...]        default: 1000x60x27 beside the demonstration

A third of the clusters is treated from four fifths of the time on. Beside them stands the demonstration, whose CPU is the unit.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from demonstration import ROOT, run

METHODS = ("two_way_fixed_effects", "callaway_santanna", "sun_abraham", "imputation", "grouped_logit", "synthetic_control",
           "augmented_synthetic_control", "synthetic_did", "interrupted_time_series", "structural_time_series")  # fmt: skip


def write_study(folder: Path, units: int, periods: int, clusters: int) -> Path:
    rng = np.random.default_rng([units, periods, clusters])
    unit, time = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    cluster, start = unit % clusters, int(periods * 0.8)
    treated, common = cluster < clusters // 3, np.cumsum(rng.normal(0, 0.004, periods))
    shock = rng.normal(0, 0.01, (clusters, periods))[cluster, time]
    share = rng.uniform(0.3, 0.5, units)[unit] + common[time] + shock + 0.04 * (treated & (time >= start))
    received = rng.integers(30, 300, len(unit))
    month = pd.period_range("2019-01", periods=periods, freq="M").astype(str).to_numpy()
    pd.DataFrame({
        "unit": np.char.add("u", unit.astype(str)), "area": np.char.add("a", cluster.astype(str)), "month": month[time],
        "received": received, "online": rng.binomial(received, np.clip(share, 0.02, 0.98)), "since": np.where(treated, month[start], ""),
    }).to_csv(folder / "data.csv", index=False)  # fmt: skip
    study = folder / f"s{units}x{periods}x{clusters}.yaml"
    study.write_text(
        f"study: {study.stem}\nlayout: table\ndata: data.csv\nunit: unit\nperiod: month\nfrequency: M\nnumerator: online\n"
        f"denominator: received\ncluster: area\ntreated_from: since\nestimator: {METHODS[0]}\nestimators: [{', '.join(METHODS)}]\n",
        encoding="utf-8",
    )
    return study


def main() -> None:
    sizes = [tuple(map(int, text.split("x"))) for text in sys.argv[1:] or ["1000x60x27"]]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "demo").mkdir()
        demonstration, peak, _ = run(ROOT, Path(folder) / "demo", "demo")
        print(f"demonstration: {demonstration:.1f} s of CPU, peak {peak:.0f} MB", flush=True)
        for size in sizes:
            place = Path(folder) / "x".join(map(str, size))
            place.mkdir()
            cpu, peak, told = run(ROOT, place, str(write_study(place, *size)))
            bad = told[told["status"] == "refused"]
            refused = sorted({f"{name}: {reason}" for name, reason in zip(bad["estimator"], bad["reason"], strict=True)})
            print(f"{size[0]:,} units x {size[1]} months, {size[2]:,} clusters: {cpu:.1f} s of CPU ({cpu / demonstration:.2f} of the "
                  f"demonstration), peak {peak:.0f} MB; refused: {', '.join(refused) or 'none'}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
