"""Tables with a known effect, spoilt as people spoil them: the right number or a refusal, never another number."""

import random

import pytest
from seeds import FIXED
from spoilt_tables import WAYS, counts, drawn, fuzz, level, outcome, share


def test_no_spoilt_table_gives_another_number():
    """By the thousand and with new seeds: `tests/spoilt_tables.py --seed random`."""
    ends, findings = fuzz(range(40), FIXED)
    assert not findings, "\n".join(findings)
    assert ends["right"] > ends["refused"] > 0


@pytest.mark.parametrize("made", [counts, level, share])
@pytest.mark.parametrize("kind", ["csv", "semicolon", "tab", "utf16", "xlsx", "json", "parquet"])
def test_an_unspoilt_table_gives_its_number(made, kind):
    assert outcome(made(random.Random(1)), kind)[0] == "right"


def test_every_way_to_spoil_is_drawn_and_changes_the_table():
    rng = random.Random(FIXED)
    for way in WAYS:
        assert any(way(made(rng), rng) != made(random.Random(0)) for made in (counts, level, share) for _ in range(5))
    assert drawn(7, 1)[2] == drawn(7, 1)[2]
