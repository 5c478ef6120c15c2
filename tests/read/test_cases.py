"""Files as people have them (small inputs of ../shared/cases, or HGDX_CASES): each gives the right number, or a line that refuses it."""

import os
from pathlib import Path

import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import load_study

FOLDER = Path(os.environ.get("HGDX_CASES", Path(__file__).parents[3] / "shared" / "cases"))
STUDIES = sorted(FOLDER.glob("*.yaml"))
RIGHT = {"T01e": 10.59471, "T01e0": 10.59471, "T02c": 100.0, "T11d": 100.0, "T44": 1.0, "T44b": 1.0, "T44c": 1.0, "T44d": 1.0, "T20": 10.0}
UNITS = {"min_title": 2, "min_title0": 2, "min_title2": 2}
TOLD = {"T06h", "T06i", "U11f"}  # spellings of one untreated unit: told, and counted apart
REFUSED = {  # the only right answer
    "T09": "stands twice", "T11b": "error value", "T20": "shares and percentages", "T20s": "shares and percentages", "T28be": "Buddhist",
    "U04b": "second row", "U05": "quarter", "U05q": "second row", "U06y": "second row", "U11j": "rounded", "U11d": "empty count",
    "U11e": "empty count", "T44b": "span of years", "T28week": "week", "T15": "numerator and denominator",
    "T12f": "web page", "T10": "side by side", "T36": "TCVN3",
}  # fmt: skip
MUST_RUN = {  # a refusal would not do
    *[
        "T04",
        "T04b",
        "T04c",
        "T05",
        "T06a_nbsp_end",
        "T06b_nbsp_inside",
        "T06c_zwsp",
        "T06d_shy",
        "T06e_double",
        "T06g_bom",
        "T12a",
        "T12b",
        "T12c",
        "T12d",
        "T12e",
        "T12g",
        "T13",
        "T14",
    ],
    *[
        "T14m",
        "T19",
        "T21",
        "T21b",
        "T22",
        "T23",
        "T23b",
        "T282023M07",
        "T28T7_2023",
        "T28Thang",
        "T28Thangnam",
        "T28dashdmy",
        "T28dashmy",
        "T28ddmmyy",
        "T28dot",
        "T28mmyyyy",
    ],
    *[
        "T28monthname",
        "T28MonYYYY",
        "T28slashymd",
        "T28ymdot",
        "T30",
        "T31",
        "T33a",
        "T33b",
        "T33c",
        "T41b",
        "T41c",
        "U01",
        "U02",
        "U02b",
        "U02c",
        "U04",
        "U10",
        "U10b",
        "U11",
        "U12TRUE",
        "U12co",
    ],
    *[
        "U12x",
        "V01",
        "V01b",
        "V01c",
        "V01d",
        "X01_42A",
        "X02_Tm",
        "X03_Thang",
        "X04_mmmm",
        "X06_mdyy",
        "X07_esc",
        "X08_viVN",
        "X10_strict",
        "X12_hdr",
        "X13_1904",
        "min_title",
    ],
}


@pytest.mark.parametrize("file", STUDIES or [pytest.param(None, marks=pytest.mark.skip("the cases are not here; name their folder in HGDX_CASES"))],
                         ids=lambda file: file.stem if file else "none")  # fmt: skip
def test_a_case_gives_its_number_or_is_refused(file):
    name = file.stem
    try:
        p, _ = load_study(file, "en")
        panel = load_panel(p)
        design = study_design(panel, p)
        found = float(estimate(design, p.estimator).table.iloc[0]["estimate"])
    except InputError as error:
        assert name not in MUST_RUN, error
        assert str(error).count("\n") == 0
        assert REFUSED.get(name, "") in str(error)
        return
    assert name not in REFUSED, f"{found} instead of a refusal"
    assert found == pytest.approx(RIGHT.get(name, 10.0), abs=5e-5 if name == "T01e" or name == "T01e0" else 1e-9)
    if name in TOLD:
        assert any(reading.kind == "units_alike" for reading in panel.readings)
    else:
        assert panel.cells["unit"].nunique() == UNITS.get(name, 8)
