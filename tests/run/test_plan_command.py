"""The command `plan`, as a user gives it."""

import pandas as pd
import pytest
import yaml
from foreign import grid, periods, treated

from hgdx_eval import cli

KEYS = {"study": "towns", "unit": "town", "period": "when", "frequency": "Y", "cluster": "town", "outcome": "value", "treated_from": "start",
        "estimator": "two_way_fixed_effects", "data": "data.csv"}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    names = periods("2005", 12, "Y")
    table: pd.DataFrame = treated(grid(12, names, 8), dict.fromkeys(range(6), 8), 1.0, names)
    table.drop(columns=["i", "t"]).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "towns.yaml").write_text(yaml.safe_dump(KEYS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as leave:
        cli.main(list(words))
    return leave.value.code or 0


@pytest.mark.long
def test_a_plan_is_written_once_with_a_page_in_each_language(folder, capfd):
    assert ended("plan", "./towns.yaml") == 0
    names = ["towns.plan.yaml", "towns.plan.vi.html", "towns.plan.en.html"]
    assert capfd.readouterr().out.splitlines() == names
    assert yaml.safe_load((folder / names[0]).read_text(encoding="utf-8"))["keys"]["estimator"] == "two_way_fixed_effects"
    for name, said in zip(names[1:], ("Sẽ nhận ra được gì", "What would be found"), strict=True):
        page = (folder / name).read_text(encoding="utf-8")
        assert said in page and "<svg" in page and "http-equiv" in page
    before = {name: (folder / name).read_bytes() for name in names}
    assert ended("plan", "./towns.yaml") == 2
    assert "a plan is written once" in capfd.readouterr().err
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_blind_study_without_a_plan_is_not_estimated_and_nothing_is_written(folder, capfd):
    assert ended("run", "./towns.yaml", "-p", "blind=true") == 2
    assert "no plan is there, so nothing is estimated" in capfd.readouterr().err and not (folder / "outputs").exists()


def test_a_study_whose_window_ends_before_the_policy_has_no_plan(folder, capfd):
    assert ended("plan", "./towns.yaml", "-p", "window=[2005, 2009]") == 2
    assert "a plan is for the periods after it" in capfd.readouterr().err and not list(folder.glob("*.plan.*"))
