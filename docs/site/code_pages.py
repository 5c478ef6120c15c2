"""What the kit knows of itself: studies, methods, keys, commands and verbs, asked of the code, so that a new one is told by existing."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import click
import yaml
from repository_pages import listed

import hgdx_eval as hg
from hgdx_eval import cli
from hgdx_eval.report.formulas import mathml
from hgdx_eval.study.load import read_study, study_words
from hgdx_eval.study.study import CostRules, PaymentRules, VerdictRules, keys_told
from hgdx_eval.study.words import Words, capital

PARTS_OF_KEYS = {"verdict": VerdictRules, "cost": CostRules, "payment": PaymentRules}
ROOMS = {  # room of a verb's module -> title of its page
    "study": "Study, words and panel", "panel": "Study, words and panel", "base": "Errors", "design": "Design and placebos",
    "estimation": "Estimates", "evaluation": "Evaluation: how sure", "report": "Blocks and tables", "report.charts": "Charts",
    "vietnam": "Vietnam: cost, payment, gaps, tasks",
}  # fmt: skip


def pages(home: Path) -> dict[str, str]:
    """Page -> Markdown of all that is asked of the code."""
    return studies(home) | methods(home) | keys() | commands() | verbs()


def anchors(found: dict[str, str]) -> dict[str, str]:
    """What may stand in backticks on any page -> where it is explained."""
    known = {}
    for name, text in found.items():
        for verb in re.findall(r"^`{3,}\{py:(?:function|exception)\} (\w+)", text, re.M):
            known |= {f"hg.{verb}": f"{name}.md#hgdx_eval.{verb}"}
        kind, _, last = name.partition("/")
        if kind == "commands" and last != "index":
            known[f"hgdx-eval {last}"] = f"{name}.md"
        elif kind in ("methods", "studies") and last not in ("index", "more"):
            known[last] = f"{name}.md"
    return known


def plain(text: str) -> str:
    """Prose of a docstring as Markdown that shows just that: what stands outside of backticks is no markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]|$\\])", r"\\\1", part) for part in parts)


def raw(html: str) -> str:
    return f"```{{raw}} html\n{html}\n```\n"


def studies(home: Path) -> dict[str, str]:
    """A page for every study that comes with the kit."""
    found = {}
    for file in sorted((home / "params" / "studies").glob("*.yaml")):
        p, text = read_study(file, {}), file.read_text(encoding="utf-8")
        vi, en = (study_words(p, lang) for lang in ("vi", "en"))
        comment = re.match(r"# (.+)", text)
        measured = f"`{p.outcome}`" if p.outcome else f"`{p.numerator}` of `{p.denominator}`"
        found[f"studies/{p.study}"] = "\n".join([
            f"# {p.study}: {en('study.title')}", "", f"*{vi('study.title')}*", "",
            f"**{vi('study.question')}**<br>", f"{en('study.question')}", "", plain(comment[1]) if comment else "", "",
            "| | |", "|---|---|",
            f"| Run it | `hgdx-eval run {p.study}{'' if p.study == 'demo' else ' -p data=PATH'}` |",
            f"| Compared | {' × '.join(f'`{column}`' for column in p.unit_columns)} by `{p.period}` (`frequency: {p.frequency}`) |",
            f"| Outcome | {measured} |", f"| Main method | `{p.estimator}` |",
            f"| Set beside it | {', '.join(f'`{name}`' for name in p.estimators if name != p.estimator) or '–'} |",
            f"| Intervals, in the order tried | {', '.join(p.inference_order)} |", "",
            "The study, as it stands in the repository:", "", f"```yaml\n{text}```", ""])  # fmt: skip
    about = "Studies that come with the kit. Each is one YAML file; [every key](../keys.md) is checked before anything starts."
    return found | {"studies/index": listed("Studies", about, found, "studies/") + "\n* [Data to bring](more.md)\n"}


def methods(home: Path) -> dict[str, str]:
    """A page for every estimator: names, formula, what it rests on, what it is held to."""
    told = {lang: hg.methods(lang).set_index("estimator") for lang in ("en", "vi")}
    found = {f"methods/{name}": method(home, name, told["en"].loc[name], told["vi"].loc[name]) for name in told["en"].index}
    about = ("All answer the same question on the same design; the report sets them side by side and says why they differ. "
             "In a study: `estimator:` the main one, `estimators:` those beside it. In a notebook: `hg.methods()`.")  # fmt: skip
    return found | {"methods/index": listed("Methods", about, found, "methods/")}


def method(home: Path, name: str, en: "object", vi: "object") -> str:
    module = import_module(f"hgdx_eval.estimators.{name}")
    head, *rest = inspect.cleandoc(module.__doc__ or "").split("\n\n")
    parts = [
        f"# {en['name']}", f"*{vi['name']}* · `{name}`", plain(head),
        raw(f'<div class="formula">{mathml(en["formula"], display=True)}</div>'),
        f"{plain(en['meaning'])}", f"*{plain(vi['meaning'])}*", f"Source: {en['source']}.",
        "## How it is done here", *map(plain, rest), *refusals(module), *off(home, name), *held_to(home, name),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def refusals(module: object) -> list[str]:
    """When the method says that it cannot answer, by the reasons that its file names."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    reasons = dict.fromkeys(
        call.args[0].value for call in calls if getattr(call.func, "id", "") == "Refusal" and isinstance(call.args[0], ast.Constant)
    )
    if not reasons:
        return []
    en, vi = Words("en"), Words("vi")
    lines = [f"* {capital(plain(en('refusals.' + reason)))} · *{plain(vi('refusals.' + reason))}*" for reason in reasons]
    return ["## When it refuses", "Beside what every method refuses (no treated unit, no period before the policy):", "\n".join(lines)]


def off(home: Path, name: str) -> list[str]:
    """How far it was off where an assumption fails: its row of docs/bias.md, a world a line."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in (home / "docs/bias.md").read_text(encoding="utf-8").split("\n")
        if line.startswith("|")
    ]
    heads = rows[0][1:]
    own = next((row[1:] for row in rows if row[0] == f"`{name}`"), None)
    fails = {row[0].strip("`"): row[1] for row in rows if len(row) == 2 and row[0].startswith("`")}
    if own is None:
        return []
    lines = [f"| {fails.get(world, world)} | {value} |" for world, value in zip(heads, own, strict=True)]
    about = "Mean error in percentage points where one assumption fails, in made-up worlds ([how](../docs/bias.md))."
    return ["## What it rests on", about, "\n".join(["| what fails | off by |", "|---|---|", *lines])]


def held_to(home: Path, name: str) -> list[str]:
    """Published values that tests hold it to."""
    file = home / "tests" / "reference" / f"{name}.yaml"
    if not file.exists():
        return []
    lines = []
    for case, about in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        numbers = {key: value["expected"] for key, value in about.get("values", {}).items() if isinstance(value.get("expected"), float)}
        values = ", ".join(f"`{key}` {value:g}" for key, value in numbers.items()) if len(numbers) <= 8 else ""
        lines.append(f"* {plain(about['citation'])} (`{case}`)" + (f": {values}" if values else ""))
    return ["## Published values that it is held to", "\n".join(lines)]


def keys() -> dict[str, str]:
    """Every key of a study's file."""
    about = (
        "One flat YAML file, or `-p KEY=VALUE` of `hgdx-eval run`. `hgdx-eval schema` writes the schema by which an editor completes them."
    )
    parts = ["# Keys of a study", about, definitions(keys_told())]
    for key, rules in PARTS_OF_KEYS.items():
        doc = inspect.cleandoc(rules.__doc__ or "")
        told = [(name, f"{field.description}  [default: {field.default}]") for name, field in rules.model_fields.items()]
        parts += [f"## `{key}:`", plain(doc), definitions(told)]
    return {"keys": "\n\n".join(parts) + "\n"}


def definitions(pairs: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"`{key}`\n: {plain(text) or '–'}" for key, text in pairs)


def commands() -> dict[str, str]:
    """A page for every command, of its own help."""
    found = {}
    for name, command in cli.cli.commands.items():
        context = click.Context(command, info_name=f"hgdx-eval {name}")
        records = [parameter.get_help_record(context) for parameter in command.params]
        options = [record for record in records if record and record[0].startswith("-")]
        parts = [f"# hgdx-eval {name}", f"```text\n{' '.join([f'hgdx-eval {name}', *command.collect_usage_pieces(context)])}\n```",
                 *(plain(part) for part in inspect.cleandoc(command.help or "").split("\n\n"))]  # fmt: skip
        parts += ["## Options", definitions(options)] if options else []
        parts += ["Keys of a study for `-p`: [keys](../keys.md)."] if isinstance(command, cli.WithKeys) else []
        found[f"commands/{name}"] = "\n\n".join(parts) + "\n"
    about = plain(inspect.cleandoc(cli.__doc__ or ""))
    return found | {"commands/index": listed("Commands", about, found, "commands/")}


def verbs() -> dict[str, str]:
    """A page for every group of verbs, from signatures and docstrings, and one for the records that they give."""
    grouped: dict[str, list[str]] = {}
    for verb in hg.__all__:
        grouped.setdefault(ROOMS[room_of(hg.MODULE_OF[verb])], []).append(verb)
    found = {
        f"verbs/{re.sub(r'[^a-z]+', '-', title.lower())}": f"# {title}\n\n" + "\n".join(map(entry, names))
        for title, names in sorted(grouped.items())
    }
    found["verbs/records"] = "# Records\n\nWhat verbs take and give.\n\n" + "\n".join(map(record, records()))
    about = "\n\n".join(map(plain, inspect.cleandoc(hg.__doc__ or "").split("\n\n")))
    return found | {"verbs/index": listed("Verbs of the notebooks", f"```python\nimport hgdx_eval as hg\n```\n\n{about}", found, "verbs/")}


def room_of(module: str) -> str:
    return "report.charts" if module.startswith("report.charts") else module.partition(".")[0]


def entry(verb: str) -> str:
    """A verb as Sphinx lists it: signature, docstring."""
    thing = getattr(hg, verb)
    if inspect.isclass(thing):
        return f"````{{py:exception}} {verb}\n:module: hgdx_eval\n\n{told(thing)}\n````\n"
    return f"````{{py:function}} {verb}{signature(thing)}\n:module: hgdx_eval\n\n{told(thing)}\n````\n"


def signature(thing: object) -> str:
    """The signature as the source writes it, names without their modules."""
    return re.sub(r"\b(?:\w+\.)+(?=[A-Za-z])", "", str(inspect.signature(thing)).replace("'", ""))


def told(thing: object) -> str:
    """A docstring, its example as code."""
    text = inspect.cleandoc(inspect.getdoc(thing) or "")
    prose, _, example = text.partition("Example: `")
    code = f"\n\n```python\n{example.rpartition('`')[0]}\n```" if example else ""
    return "\n\n".join(plain(part.strip()) for part in prose.split("\n\n") if part.strip()) + code


def records() -> list[type]:
    """The kit's own classes in the signatures of the verbs, as the stub imports them."""
    tree = ast.parse((Path(hg.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    named = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.level for alias in node.names}
    found = {name: getattr(import_module(f"hgdx_eval.{module}"), name) for name, module in named.items() if name not in hg.__all__}
    return [kind for _, kind in sorted(found.items()) if inspect.isclass(kind)]


def record(kind: type) -> str:
    """A record: what it is, its own public methods and properties."""
    parts = []
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        head = (
            f"py:property}} {name}"
            if isinstance(member, property)
            else f"py:method}} {name}{re.sub(r'^.self(, )?', '(', signature(function))}"
        )
        parts.append(f"````{{{head}\n\n{told(function)}\n````\n")
    doc = told(kind) if kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}(") else ""
    return f"`````{{py:class}} {kind.__name__}\n:module: {kind.__module__}\n\n{doc}\n\n" + "\n".join(parts) + "`````\n"
