import re

import nbformat

from hgdx_eval import MODULE_OF
from hgdx_eval.run.kernels.parent import used
from hgdx_eval.run.notebook_files import EVERYWHERE, NOTEBOOKS, notebook_file, notebook_names
from hgdx_eval.study.load import read_study, study_file
from hgdx_eval.study.study import Study

DEMO = read_study(study_file("demo"), {})
PLAIN = Study(study="mine", data="t.csv", unit="u", period="t", frequency="M", outcome="y", cluster="u", treated_from="s",
              estimator="imputation")  # fmt: skip


def given(monkeypatch, folder, p, estimator, *estimators):
    p = p.model_copy(update={"estimator": estimator, "estimators": list(estimators)})
    (folder / "study.json").write_text(p.model_dump_json(), encoding="utf-8")
    monkeypatch.setenv("HGDX_WORK", str(folder))


def test_what_notebooks_and_study_name_is_imported_once(monkeypatch, tmp_path):
    given(monkeypatch, tmp_path, PLAIN, "imputation", "sun_abraham")
    cells = [nbformat.v4.new_code_cell("from hgdx_eval import plot_event as draw\nimport hgdx_eval as kit\nkit.cost_of")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "mine.ipynb")
    (tmp_path / "broken.ipynb").write_bytes(b"\xff\xfe no notebook")
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(tmp_path))
    assert used() == sorted(
        [
            f"hgdx_eval.{MODULE_OF['plot_event']}",
            "hgdx_eval.vietnam.questions.cost",
            "hgdx_eval.estimators.imputation",
            "hgdx_eval.estimators.sun_abraham",
        ]
    )


def test_every_verb_of_the_kits_own_notebooks_is_imported_beforehand(monkeypatch, tmp_path):
    given(monkeypatch, tmp_path, DEMO, "two_way_fixed_effects")
    monkeypatch.delenv("HGDX_NOTEBOOKS", raising=False)
    assert set(notebook_names(DEMO)) == set(NOTEBOOKS)
    called = {verb for name in NOTEBOOKS for cell in nbformat.read(notebook_file(name), 4).cells if cell.cell_type == "code"
              for verb in re.findall(r"hg\.(\w+)", cell.source)}  # fmt: skip
    assert called and {f"hgdx_eval.{MODULE_OF[verb]}" for verb in called} <= set(used())


def test_a_study_without_a_domain_imports_nothing_of_one(monkeypatch, tmp_path):
    given(monkeypatch, tmp_path, PLAIN, "two_way_fixed_effects")
    monkeypatch.delenv("HGDX_NOTEBOOKS", raising=False)
    assert set(notebook_names(PLAIN)) == EVERYWHERE and not [module for module in used() if "vietnam" in module]
