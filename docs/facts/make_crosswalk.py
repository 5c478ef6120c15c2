"""Writes params/facts/crosswalk.csv and crosswalk_units.csv from three public packages. Neither the kit nor its tests need them.

    pip download --no-deps -d DIR vietnam-provinces==0.6.0
    pip download --no-deps -d DIR vietnam-provinces==2025.10.1
    pip download --no-deps -d DIR vietnamadminunits==1.0.4
    python docs/facts/make_crosswalk.py DIR params/facts

vietnamadminunits says into which commune of 1 July 2025 each earlier one went. It tells no shares of one that was split: they stay empty.
Two things are told apart from a split. The package finds communes by name inside the new province, so that two old communes called alike
seem to go to the other's commune too ("same_name"): the one of its own code is kept, else the one that its
namesake leaves, else the nearer one, the package's default. And a
code that an old and a new commune share, in vietnam-provinces, is a second source for that pair: it agrees ("1"), is silent ("") or
differs ("0").
"""

import csv
import io
import json
import re
import sqlite3
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

KIND = re.compile(r"^(Thành phố|Thị xã|Thị trấn|Quận|Huyện|Phường|Xã|Đặc khu) ")


def wheel_of(folder: Path, name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(folder.glob(f"{name}-*.whl")))


def read_packages(folder: Path) -> tuple[list[dict], list[dict], dict, dict[str, dict], dict[str, dict]]:
    """(legacy rows, new rows, the converter's lists, old and new communes of the second source by code)."""
    with wheel_of(folder, "vietnamadminunits-1.0.4") as wheel, tempfile.NamedTemporaryFile(suffix=".db") as file:
        file.write(wheel.read("vietnamadminunits/data/dataset.db"))
        file.flush()
        base = sqlite3.connect(file.name)
        base.row_factory = sqlite3.Row
        legacy = [dict(row) for row in base.execute("SELECT * FROM admin_units_legacy")]
        new = [dict(row) for row in base.execute("SELECT * FROM admin_units")]
        converter = json.loads(wheel.read("vietnamadminunits/data/converter_2025.json"))
    with wheel_of(folder, "vietnam_provinces-0.6.0") as wheel:
        provinces = json.loads(wheel.read("vietnam_provinces/data/nested-divisions.json"))
        before = {f"{w['code']:05}": w for p in provinces for d in p["districts"] for w in d["wards"]}
    with wheel_of(folder, "vietnam_provinces-2025.10.1") as wheel:
        provinces = json.loads(wheel.read("vietnam_provinces/data/nested-divisions.json"))
        after = {f"{w['code']:05}": w for p in provinces for w in p["wards"]}
    return legacy, new, converter, before, after


def links_of(legacy: list[dict], new: list[dict], converter: dict) -> dict[str, list[tuple[str, bool]]]:
    """Old code -> (new code, the package's default) of each new commune that it went into. Stops where a key is nobody's or two units'."""
    old_code = {}
    for row in legacy:
        old_code.setdefault("_".join(row[f"{level}Key"] or "" for level in ("province", "district", "ward")), []).append(row["wardCode"])
    new_code = {(row["provinceKey"], row["wardKey"]): row["wardCode"] for row in new}
    found, lost = defaultdict(list), []
    for province, listed in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in listed.items():
            for old in olds:
                for code in old_code.get(old, []) or lost.append(old) or []:
                    found[code].append((new_code[province, ward], True))
    for province, listed in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, wards in listed.items():
            for code in old_code.get(old, []) or lost.append(old) or []:
                found[code] += [(new_code[province, ward["newWardKey"]], ward["isDefaultNewWard"]) for ward in wards]
    print(f"keys of the converter that no old commune has: {len(lost)} {lost[:5]}", file=sys.stderr)
    return found


def without_twins(links: dict, legacy: list[dict], new: list[dict]) -> tuple[dict, set[str]]:
    """(the links, of old communes that share a name and all targets with as many others one each; the codes of those communes)."""
    place = {row["wardCode"]: row["provinceCode"] for row in new}
    name = {row["wardCode"]: row["wardKey"] for row in legacy}
    alike = defaultdict(list)
    for code, pairs in links.items():
        if len(pairs) > 1:
            alike[place[pairs[0][0]], name[code], frozenset(to for to, _ in pairs)].append(code)
    kept = dict(links)
    twins = set()
    for (*_, targets), codes in alike.items():
        if len(codes) == len(targets) == 2:
            own = {code: code for code in codes if code in targets}
            near = own or {code: to for code in codes for to, default in links[code] if default}
            if len(own) == 1 and len(set(near.values())) == 1:
                (code, to), other = *own.items(), next(c for c in codes if c not in own)
                near = {code: to, other: next(t for t in targets if t != to)}
            if len(set(near.values())) == 2:
                kept.update({code: [(to, True)] for code, to in near.items()})
                twins.update(codes)
    return kept, twins


def rows_of(links: dict, twins: set[str], before: dict, after: dict) -> list[tuple[str, str, str, str]]:
    """(old, new, share, checked) per pair, sorted."""
    rows = []
    for old, pairs in sorted(links.items()):
        targets = sorted({to for to, _ in pairs})
        for to in targets:
            own = old in after and old in before
            checked = ("1" if to == old else "" if old in targets else "0") if own else ""
            if old in twins and checked != "1":
                checked = "same_name"
            rows.append((old, to, "1" if len(targets) == 1 else "", checked))
    return rows


def write(path: Path, header: tuple, rows: list[tuple]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def main(folder: Path, out: Path) -> None:
    legacy, new, converter, before, after = read_packages(folder)
    for row in legacy:  # a district of islands without communes went whole
        row.update({} if row["wardCode"] else {"wardCode": row["districtCode"], "wardKey": None, "ward": None})
    links, twins = without_twins(links_of(legacy, new, converter), legacy, new)
    rows = rows_of(links, twins, before, after)
    olds, news = {row["wardCode"] for row in legacy}, {row["wardCode"] for row in new}
    told = {"old": len(olds), "new": len(news), "pairs": len(rows), "old without new": sorted(olds - links.keys()),
            "new without old": sorted(news - {row[1] for row in rows}), "checked": Counter(row[3] for row in rows),
            "split": sum(1 for n in Counter(row[0] for row in rows).values() if n > 1), "twins": len(twins),
            "old only in the second source": sorted(before.keys() - olds), "old not there": sorted(olds - before.keys()),
            "new codes that differ": sorted(news ^ after.keys())}  # fmt: skip
    for what, found in told.items():
        print(what, found if not isinstance(found, list) else f"{len(found)} {found[:20]}", file=sys.stderr)
    districts = sorted({(row["districtCode"], row["provinceCode"], row["district"]) for row in legacy})
    units = [("old", code, parent, name) for code, parent, name in districts]
    units += sorted(("old", row["wardCode"], row["districtCode"], row["ward"]) for row in legacy if row["ward"])
    units += sorted(("new", row["wardCode"], row["provinceCode"], row["ward"]) for row in new)
    write(out / "crosswalk.csv", ("old", "new", "share", "checked"), rows)
    write(out / "crosswalk_units.csv", ("list", "code", "parent", "name"), units)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
