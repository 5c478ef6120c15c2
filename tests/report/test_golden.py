"""No chart changes its looks unseen: texts, their places, and a picture, against those of `tests/golden/`.

After a change that was meant: look at the charts, then `python tests/golden.py`.
"""

import json
from dataclasses import replace

import golden
import numpy as np
import pytest
from PIL import Image
from test_charts import demo_words, design

from hgdx_eval.report.charts.groups import plot_shares

NAMES = sorted(path.stem for path in golden.FOLDER.glob("*.json"))
NEAR = 2.0  # units that a label may move with another version of matplotlib
MEAN, FAR, PART = 1.5, 90, 0.005  # of 255: mean difference; a pixel that differs; the part of the pixels that may


@pytest.fixture(scope="module")
def figures():
    return golden.figures()


def differences(one, other):
    """(mean, part of the pixels far apart) of two pictures of one size."""
    apart = np.abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int)).max(axis=2)
    return float(apart.mean()), float((apart > FAR).mean())


def test_every_chart_has_its_golden_files_and_they_are_small(figures):
    assert sorted(figures) == NAMES and len(NAMES) >= 12
    assert all(path.stat().st_size < 30_000 for path in golden.FOLDER.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_and_their_places_are_as_they_were(figures, name):
    told = json.loads((golden.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = [[variant, *text] for variant in ("narrow", "wide") for text in golden.texts(getattr(figures[name], variant))]
    assert [line[:2] for line in now] == [line[:2] for line in told]
    moved = [(a, b) for a, b in zip(now, told) if abs(a[2] - b[2]) > NEAR or abs(a[3] - b[3]) > NEAR]
    assert moved == []


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_as_it_was(figures, name):
    then = Image.open(golden.FOLDER / f"{name}.png")
    now = golden.picture(figures[name])
    assert now.size == then.size
    mean, part = differences(now, then)
    assert mean <= MEAN and part <= PART, (mean, part)


def test_a_chart_that_rots_is_seen(figures):
    """The measures, picture or texts, tell a chart whose policy line stands elsewhere, whose data differ or whose events are gone from the
    right one; the picture alone sees other data."""
    then = Image.open(golden.FOLDER / "shares.png")
    chosen = design()
    late = chosen.table["treated"] * 0.5
    sunk = replace(chosen, table=chosen.table.assign(y=chosen.table["y"] * (1 - late), numerator=chosen.table["numerator"] * (1 - late)))
    now = golden.picture(plot_shares(sunk, demo_words()))
    mean, part = differences(now, then) if now.size == then.size else (255.0, 1.0)
    assert mean > MEAN or part > PART
    low = replace(chosen, table=chosen.table.assign(y=chosen.table["y"] * 0.9, numerator=chosen.table["numerator"] * 0.9))  # the axis alone
    for wrong in (replace(chosen, start=chosen.start + 3), replace(chosen, events=()), low):
        assert golden.texts(plot_shares(wrong, demo_words()).wide) != golden.texts(figures["shares"].wide)
