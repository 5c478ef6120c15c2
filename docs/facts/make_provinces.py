"""Writes params/facts/provinces.yaml from two versions of the PyPI package vietnam-provinces. Neither the kit nor its tests need them.

    pip download --no-deps -d DIR vietnam-provinces==0.6.0
    pip download --no-deps -d DIR vietnam-provinces==2025.10.1
    python docs/facts/make_provinces.py DIR > params/facts/provinces.yaml

The first holds 63 provinces with their communes, the second 34 with theirs. A commune keeps its code whatever its province, so the
successor of a province is the one in which its communes' codes lie in the second list: all that are still there, or the script stops.
"""

import json
import sys
import zipfile
from pathlib import Path

FIRST, SECOND = "0.6.0", "2025.10.1"
ALIASES = {"Hồ Chí Minh": ["Ho Chi Minh City", "TP.HCM"], "Đắk Lắk": ["Đắc Lắc"], "Đắk Nông": ["Đắc Nông"], "Bắc Kạn": ["Bắc Cạn"]}
HUE = """,
     former_names: [{name: Tỉnh Thừa Thiên Huế, valid_to: 2024-12-31, title: 'Nghị quyết 175/2024/QH15', verified: false,
                     reason: 'the resolution itself was not opened; the list of 4 January 2025 says Thành phố Huế already'}]"""
HEAD = """\
# The provinces of Vietnam by their official codes: 63 until 30 June 2025, 34 from the next day. Written by docs/facts/make_provinces.py.
# A province that stayed as it was stands once, without days; one that was merged ends (valid_to: its last day) and names the code of its
# successor, which began the day after: a code alone may be of two provinces in turn (24: Bắc Giang, then Bắc Ninh). When a province of
# the first 63 began was not looked for, nor what changed after the second list. Other spellings are folded by facts.bare (marks, kind,
# spaces); aliases are what folding cannot know.
first_source:  # codes and names until 30 June 2025
  title: 'Danh mục mã đơn vị hành chính của Tổng cục Thống kê, bản trong gói vietnam-provinces 0.6.0 (PyPI)'
  link: https://pypi.org/project/vietnam-provinces/0.6.0/
  read: 2026-11-30
  verified: true
second_source:  # codes and names from 1 July 2025
  title: 'Danh mục đơn vị hành chính sau sắp xếp, bản trong gói vietnam-provinces 2025.10.1 (PyPI)'
  link: https://pypi.org/project/vietnam-provinces/2025.10.1/
  read: 2026-11-30
  verified: true
merger_source:  # which province went into which: where the codes of its communes lie in the second list
  title: 'Mã đơn vị hành chính cấp xã trong hai bản 0.6.0 và 2025.10.1 của gói vietnam-provinces (PyPI)'
  link: https://pypi.org/project/vietnam-provinces/#history
  read: 2026-11-30
  verified: true
merger_law:
  title: 'Nghị quyết 202/2025/QH15 ngày 12/6/2025 của Quốc hội về việc sắp xếp đơn vị hành chính cấp tỉnh'
  verified: false
  reason: 'the text itself was not opened; its number and day, and 1 July 2025 as the first day of the new provinces, are as commonly cited'
first_codes:
  title: 'Quyết định 124/2004/QĐ-TTg của Thủ tướng Chính phủ, Bảng danh mục và mã số các đơn vị hành chính Việt Nam'
  verified: false
  reason: 'the text itself was not opened; the codes are those of the package'
second_codes:
  title: 'Quyết định 19/2025/QĐ-TTg của Thủ tướng Chính phủ, Bảng danh mục và mã số các đơn vị hành chính Việt Nam'
  verified: false
  reason: 'the text itself was not opened; the package names a draft of it as its source'
provinces:
"""


def divisions(folder: Path, version: str) -> list[dict]:
    """The nested list of one version of the package."""
    with zipfile.ZipFile(next(folder.glob(f"vietnam_provinces-{version}-*.whl"))) as wheel:
        return json.loads(wheel.read("vietnam_provinces/data/nested-divisions.json"))


def full_name(province: dict) -> str:
    """The second list leaves "Tỉnh" out."""
    name = province["name"]
    return name if name.startswith(("Tỉnh ", "Thành phố ")) else f"Tỉnh {name}"


def successors(old: list[dict], new: list[dict]) -> dict[int, int]:
    """Code of an old province -> code of the new one in which all of its communes' codes lie that are still there."""
    now = {ward["code"]: province["code"] for province in new for ward in province["wards"]}
    found = {}
    for province in old:
        lie = {now[ward["code"]] for district in province["districts"] for ward in district["wards"] if ward["code"] in now}
        if len(lie) != 1:
            sys.exit(f"{province['name']}: its communes lie in {len(lie)} provinces of the second list")
        found[province["code"]] = lie.pop()
    return found


def line(code: int, name: str, days: str) -> str:
    other = ALIASES.get(name.removeprefix("Tỉnh ").removeprefix("Thành phố "))
    aliases = f", aliases: [{', '.join(other)}]" if other else ""
    return f"  - {{code: '{code:02d}', level: province, name: {name}{aliases}{days}{HUE if name.endswith(' Huế') else ''}}}\n"


def main(folder: Path) -> None:
    old, new = divisions(folder, FIRST), divisions(folder, SECOND)
    later = successors(old, new)
    merged = {to for to in later.values() if list(later.values()).count(to) > 1}
    told = [HEAD]
    for province in old:
        to = later[province["code"]]
        told.append(line(province["code"], province["name"], f", valid_to: 2025-06-30, successor: '{to:02d}'" if to in merged else ""))
    told += [line(province["code"], full_name(province), ", valid_from: 2025-07-01") for province in new if province["code"] in merged]
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write("".join(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
