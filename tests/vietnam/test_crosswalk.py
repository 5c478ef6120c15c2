"""The merger of communes as facts: whole, without a hole, sources told; agencies of exports that stay the same across that day."""

import shutil
from collections import Counter

import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.panel.crosswalk import joined
from hgdx_eval.read.readings import Reading
from hgdx_eval.vietnam import merger
from hgdx_eval.vietnam.facts import facts_folder, load_facts
from hgdx_eval.vietnam.merger import constant_agencies, load_merger
from hgdx_eval.vietnam.unit_names import named_agencies


def test_every_commune_went_somewhere_and_every_new_one_came_from_somewhere():
    found = load_merger()
    communes = {code for code, (_, parent) in found.old.items() if parent in found.old}
    assert (len(communes), len(found.old) - len(communes), len(found.new)) == (10_035, 696, 3_321)
    assert len(found.pairs.keys() - communes) == 5  # districts of islands without communes
    assert {new for news in found.pairs.values() for new in news} == found.new.keys()
    assert len({found.new[code][1] for code in found.new}) == 34


def test_the_communes_of_the_facts_went_whole_into_28():
    found, facts = load_merger(), load_facts()
    mine = {unit.code: found.pairs[unit.code] for unit in facts.units if unit.level == "commune"}
    assert Counter(map(len, mine.values())) == {1: 75}
    assert len({new for news in mine.values() for new in news}) == 28
    assert sum((old, new) in found.unsure for old, news in mine.items() for new in news) == 4  # called like one of the joined provinces


def test_old_communes_lie_in_the_provinces_that_followed_theirs():
    """Two sources: provinces.yaml was made from other packages than the crosswalk."""
    found, facts = load_merger(), load_facts()
    follows = {p.code: p.successor or p.code for p in facts.provinces if p.valid_from is None}
    for old, news in found.pairs.items():
        parent = found.old[old][1]
        province = found.old[parent][1] if parent in found.old else parent
        assert {found.new[new][1] for new in news} == {follows[province]}, old


def edited(tmp_path, monkeypatch, name, change):
    folder = tmp_path / "params" / "facts"
    folder.mkdir(parents=True)
    for file in facts_folder().iterdir():
        shutil.copy(file, folder / file.name)
    (folder / name).write_text(change((folder / name).read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setenv("HGDX_PARAMS", str(tmp_path / "params"))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text.replace("31318,31321,1,\n", ""), "1 old communes of crosswalk_units.csv are in no row, the first 31318"),
        (lambda text: text.replace("31318,31321,1,", "31318,31321,1.5,"), "row [0-9]+: share: allowed"),
        (lambda text: text.replace("31318,31321,1,", "31318,31321,0.5,"), "old 31318: its shares do not add up to 1"),
        (lambda text: text.replace("31318,31321,1,", "31318,99999,1,"), "row [0-9]+: new: no such code"),
        (lambda text: text + "31318,31321,1,\n", "the same pair"),
        (lambda text: text.replace("31318,31321,1,", "31318,31321,1,maybe"), "checked: allowed: 1, empty, 0, same_name"),
        (lambda text: text.replace("old,new", "from,to", 1), "columns: allowed: old, new, share, checked"),
    ],
)
def test_a_crosswalk_with_a_fault_is_refused_in_one_line(tmp_path, monkeypatch, change, found):
    edited(tmp_path, monkeypatch, merger.PAIRS, change)
    with pytest.raises(InputError, match=found) as refused:
        load_merger()
    assert "\n" not in str(refused.value)


def test_agencies_stay_the_same_across_the_day():
    found, facts = load_merger(), load_facts()
    olds = {unit.code: unit.name for unit in facts.units if unit.level == "commune"}
    walk = joined([(name, new) for code, name in olds.items() for new in found.pairs[code]], found.valid_from)
    code, name = next(iter(olds.items()))
    new = found.new[found.pairs[code][0]][0]
    department = next(unit.name for unit in facts.units if unit.level == "department")
    texts = pd.Series([name, new, name, department, department, "Xã Không Đâu"])
    months = pd.Series(["2025-06", "2025-07", "2025-08", "2025-06", "2025-07", "2025-07"])
    named = named_agencies(texts, months, pd.Series([30] * 6), facts)
    agencies, keep, said = constant_agencies(named, texts, months, facts)
    assert keep.tolist() == [True, True, True, True, False, False]
    assert agencies["agency"].tolist()[:4] == [walk.old[name]] * 3 + [department]
    assert agencies["cluster"].tolist()[:3] == [agencies["cluster"][0]] * 3
    assert (said[0].said["before"], said[0].said["units"]) == (75, 28) and said[-1] == Reading("units_rebuilt", {"n": 1})
