"""No test draws by itself: a suite that fails says something of the change, not of the day it ran."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from seeds import seed

FILES = sorted(path for path in Path(__file__).parent.rglob("*.py") if path.name != "seeds.py")
SEEDED = {"Random", "default_rng", "Generator", "PCG64", "SeedSequence", "RandomState"}  # drawn anew only where they are given nothing
CHANCE = {"SystemRandom", "urandom", "uuid1", "uuid4", "token_hex", "token_bytes", "token_urlsafe", "randbelow", "randbits"}


def unseeded(code: str) -> list[str]:
    """Calls that draw what no seed decides: the system's chance, generators without a seed, the modules' common generators."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            *of, name = ast.unparse(node.func).split(".")
            common = of[-1:] == ["random"] and name not in SEEDED
            if name in CHANCE or common or (name in SEEDED and not node.args and not node.keywords):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_draw_of_a_test_has_a_seed(path):
    assert unseeded(path.read_text(encoding="utf-8")) == []


DRAWN = ["np.random.default_rng()", "random.random()", "random.Random()", "np.random.normal(0, 1)", "uuid.uuid4()", "os.urandom(8)",
         "random.SystemRandom().randrange(9)", "secrets.randbelow(9)", "default_rng()"]  # fmt: skip


@pytest.mark.parametrize("code", DRAWN)
def test_a_draw_without_a_seed_is_seen(code):
    assert len(unseeded(code)) >= 1
    assert unseeded("np.random.default_rng(1).random()\nrng.random()\nrandom.Random('a').choice([1])\ndefault_rng(seed=2)") == []


def test_the_property_tests_draw_the_same_examples_every_time():
    assert settings().derandomize and settings().deadline is None


def test_a_script_draws_a_new_seed_where_it_is_asked_to():
    assert seed("17") == 17
    assert len({seed("random") for _ in range(3)}) > 1 and np.random.default_rng(seed("random")).integers(9) < 9
