"""What notebooks of one run share: computed once, kept under all that it depends on, in an order that keeps both processors busy."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
from made_up import design_of, made_up_table

from hgdx_eval.base.memo import key_of, remembered
from hgdx_eval.run.notebook_files import NOTEBOOKS, Job
from hgdx_eval.run.notebooks import APART, in_order


def test_a_run_computes_once_and_outside_of_one_every_time(tmp_path, monkeypatch):
    calls = []

    def compute():
        calls.append(1)
        return len(calls)

    monkeypatch.delenv("HGDX_WORK", raising=False)
    assert [remembered(compute, "a"), remembered(compute, "a")] == [1, 2]
    monkeypatch.setenv("HGDX_WORK", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: remembered(compute, "a"), range(8))) == {3}
    assert remembered(compute, "b") == 4 and remembered(compute, "a") == 3


def test_what_raises_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("HGDX_WORK", str(tmp_path))
    with pytest.raises(ZeroDivisionError):
        remembered(lambda: 1 / 0, "a")
    assert remembered(lambda: 5, "a") == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda d: replace(d, seed=d.seed + 1),
        lambda d: replace(d, scale="level"),
        lambda d: replace(d, origin=replace(d.origin, file="other.csv")),
        lambda d: replace(d, table=d.table.assign(y=d.table["y"].where(d.table.index != 3, d.table["y"] + 1e-12))),
        lambda d: replace(d, table=d.table.assign(dose=1.0)),
        lambda d: replace(d, table=d.table.rename(columns={"y": "z"})),
        lambda d: replace(d, table=d.table.iloc[:-1]),
        lambda d: replace(d, traits=pd.DataFrame({"unit": ["a"], "field": ["x"]})),
    ],
)
def test_every_part_of_a_design_is_part_of_the_key(change):
    design = design_of(made_up_table(1))
    assert repr(key_of(change(design))) != repr(key_of(design))
    assert repr(key_of(replace(design, table=design.table.copy()))) == repr(key_of(design))


def test_what_waits_for_nothing_starts_beside_what_others_wait_for():
    todo = [Job(name, lang) for lang in ("vi", "en") for name in NOTEBOOKS]
    order = in_order(todo)
    assert sorted(order, key=repr) == sorted(todo, key=repr)
    assert order[0] == Job("effect", "vi") and {job.name for job in order[1:11]} == set(APART)
    assert order[11:15] == [Job(name, "vi") for name in ("robustness", "comparison", "brief")] + [Job("effect", "en")]
    assert in_order([Job("mine", "vi"), Job("yours", "vi")]) == [Job("mine", "vi"), Job("yours", "vi")]
