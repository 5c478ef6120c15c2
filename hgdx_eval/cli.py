"""The command line. Exit codes: 0 done, 1 began and did not finish, 2 bad input, 3 busy, 4 verify found a difference."""

import errno
import json
import logging
import os
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import get_args

import click

from .base.errors import Busy, InputError, RunFailed
from .base.light_imports import left_out
from .base.machine import check_memory, fault_of, told_of
from .base.own_files import PACKAGE
from .base.progress import Progress, close_line, tell, warn
from .base.safe_text import is_utf8, plain_line
from .base.signals import Interrupted, interruptible, raise_if_asked, stoppable
from .locale import LANGUAGES
from .study.vocabulary import Engine

OUTPUTS = "outputs"
WEBHOOK = "HGDX_WEBHOOK"
SECONDS = click.FloatRange(min=0, min_open=True, max=1e7)


def program() -> None:
    """The process `hgdx-eval`: whatever a command loads, it loads light."""
    with left_out():
        main(ends=True)


def main(arguments: list[str] | None = None, ends: bool = False) -> None:
    """Exactly one clear line on standard error for whatever goes wrong, then SystemExit. `ends`: and the process with it.

    HGDX_DEBUG=1 shows the traceback before that line.
    """
    try:
        with interruptible(ends):
            check_place(sys.argv[1:] if arguments is None else arguments)
            sys.exit(cli.main(arguments, prog_name="hgdx-eval", standalone_mode=False) or 0)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        fail(" ".join(error.format_message().split()), 2)
    except InputError as error:
        fail(str(error), 2)
    except Busy as error:
        fail(str(error), 3)
    except RunFailed as error:
        fail(str(error), 1)
    except Interrupted as signal:
        fail(f"stopped by {signal}", 1)
    except Exception as error:
        if fault := fault_of(error):
            fail(str(fault), 1)
        if not isinstance(error, OSError):
            fail(unforeseen(error), 1)
        named = f"{Path(os.fsdecode(error.filename)).name}: " if isinstance(error.filename, (str, bytes)) else ""
        fail(f"{named}{error.strerror or type(error).__name__}", 2 if error.errno == errno.ENAMETOOLONG else 1)


def check_place(arguments: list[str]) -> None:
    """What every command stands on: a home folder, and names that are text. Raises InputError, RunFailed (no home)."""
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise RunFailed("this user has no home folder: set HOME to the full path of a folder that is this user's own")
    for what, text in (("the home folder", home), ("the current folder", os.getcwd()), *(("an argument", text) for text in arguments)):
        if not is_utf8(text):
            raise InputError(f"{what} holds a name that is not UTF-8 ({Path(text).name}); allowed: UTF-8, so rename the file or folder")


def unforeseen(error: Exception) -> str:
    """What nobody foresaw, without the error's own text, which may quote data: its type and where it happened."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent.name != "click"]
    own = [frame for frame in frames if PACKAGE in Path(frame.filename).parents]
    at = (own or frames)[-1]
    return (f"{type(error).__name__} in {Path(at.filename).name}, line {at.lineno}: this is a fault of the program or of the machine; "
            f"HGDX_DEBUG=1 shows where it came from (that text may quote data)")  # fmt: skip


def fail(message: str, code: int) -> None:
    if os.environ.get("HGDX_DEBUG") == "1":
        traceback.print_exc()
    message = plain_line(message)
    close_line()
    if Progress.machine:
        try:
            tell({1: "failed", 2: "refused", 3: "busy"}[code], reason=message, exit_code=code)
        except OSError:  # nobody takes standard output any more: what is left of it goes nowhere, so that the end is quiet
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    click.echo("hgdx-eval: " + message, err=True)
    sys.exit(code)


def pairs(context: object, parameter: object, values: tuple[str, ...]) -> dict[str, str]:
    """-p KEY=VALUE options as a map."""
    wrong = [value for value in values if "=" not in value or not value.split("=", 1)[0].strip()]
    if wrong:
        raise InputError(f"-p {wrong[0]}: write KEY=VALUE")
    keys = [value.split("=", 1)[0].strip() for value in values]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise InputError(f"-p {twice[0]}: given twice")
    return dict(zip(keys, (value.split("=", 1)[1] for value in values), strict=True))


def languages(context: object, parameter: object, value: str) -> list[str]:
    found = [lang.strip() for lang in value.split(",") if lang.strip()]
    if not found or set(found) - set(LANGUAGES) or len(set(found)) != len(found):
        raise InputError(f"--lang {value}: allowed: vi, en or vi,en")
    return found


CHANGE = click.option("-p", "change", multiple=True, callback=pairs, metavar="KEY=VALUE",
                      help="override a key of the study; data=PATH is relative to the current folder")  # fmt: skip


class WithKeys(click.Command):
    """A command whose help ends with every key of a study, as the study itself declares them."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from .study.study import keys_told

        with formatter.section("Keys of a study, in its file or as -p KEY=VALUE"):
            formatter.write_dl(keys_told(), col_max=18)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="hgdx_eval", message="%(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Evaluate a policy: from a province's export to a report that a statistician cannot pull apart."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return
    check_memory()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that its list of fonts could not be kept is no line for a user


@cli.command(cls=WithKeys)
@click.argument("study")
@CHANGE
@click.option("--lang", "langs", default="vi,en", show_default=True, callback=languages, help="of the report")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUTPUTS, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="notebooks at a time")
@click.option("--force", is_flag=True, help="run even where nothing has changed")
@click.option("--cell-timeout", "cell_seconds", type=SECONDS, default=1800, show_default=True, help="seconds that one cell may take")
@click.option("--timeout", "run_seconds", type=SECONDS, default=7200, show_default=True, help="seconds that the whole run may take")
@click.option("--json", "as_json", is_flag=True, help="for machines: one JSON object a line on standard output, the last one the outcome")
@click.option("--pdf", is_flag=True, help="also report and brief on A4, through Chromium")
@click.option("--docx", is_flag=True, help="also the brief for Word")
@click.option("--template", type=click.Path(path_type=Path), help="your letterhead for it (.docx); default: params/brief.docx, if there")
@click.option("--on-failure", metavar="COMMAND", help="run this (no shell) on a failure or a changed verdict; HGDX_WEBHOOK: an address")
def run(study: str, change: dict, langs: list[str], out: Path, as_json: bool, pdf: bool, docx: bool,
        template: Path | None, on_failure: str | None, **options: object) -> int:  # fmt: skip
    """Run a study's notebooks and publish its report. STUDY: a name in params/studies, or a path.

    The last line of standard output is the path of the published folder. Exit codes: 0 done or unchanged, 1 it did not finish,
    2 bad input, 3 another run of the study is under way.
    """
    from .run.bench import spoken
    from .run.notebook_files import Options
    from .run.run import run_study

    Progress.machine = as_json
    langs = spoken(langs)
    if pdf:
        from .report.pdf_docx import browser

        browser()  # missing: said before anything starts
    if docx or template:
        from .report.pdf_docx import letterhead

        letterhead(template)
    with watched(study, change, out, on_failure) as told:
        langs = in_its_words(study, change, langs)
        published = told(run_study(study, change, langs, out, Options(**options)))
        office_files(published, langs, pdf, docx or template is not None, template)
    if as_json:
        tell("done", run=str(published), exit_code=0)
    else:
        close_line()
        click.echo(str(published))
    return 0


def shard(context: object, parameter: object, value: str | None) -> tuple[int, int] | None:
    """--only K/N as two numbers. Raises InputError."""
    if value is None:
        return None
    parts = value.split("/")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts) or not 1 <= int(parts[0]) <= int(parts[1]):
        raise InputError(f"--only {value}: allowed: K/N, the K-th of N parts, as 2/5")
    return int(parts[0]), int(parts[1])


@cli.command("run-all")
@click.argument("portfolio")
@click.option("--lang", "langs", default="vi,en", show_default=True, callback=languages, help="of the members' reports")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUTPUTS, show_default=True)
@click.option("--jobs", type=click.IntRange(1), help="studies at a time; default: a core each, four at most")
@click.option("--only", callback=shard, metavar="K/N", help="run the K-th of N parts of the members, by name, and pool nothing")
@click.option("--pool-only", is_flag=True, help="run nothing: pool what the members' newest runs tell")
@click.option("--members", "listed", is_flag=True, help="run nothing: print the members' names, a line each, in the order of --only")
@click.option("--force", is_flag=True, help="run members even where nothing has changed")
@click.option("--cell-timeout", "cell_seconds", type=SECONDS, default=1800, show_default=True, help="seconds that one cell may take")
@click.option("--timeout", "run_seconds", type=SECONDS, default=7200, show_default=True, help="seconds that one member's run may take")
def run_all(portfolio: str, langs: list[str], out: Path, jobs: int | None, only: tuple[int, int] | None, pool_only: bool, listed: bool,
            force: bool, cell_seconds: float, run_seconds: float) -> int:  # fmt: skip
    """Run the studies of a portfolio, each as `run` does, and publish one page of their pooled answer. PORTFOLIO: a name in
    params/portfolios, or a path.

    A member that fails or is refused is told and stops no other. The last line of standard output is the published folder; with
    --only nothing is printed there. Exit codes: 0 done or unchanged, 1 some member's run did not finish (the page is there) or
    the page could not be made, 2 bad portfolio, 3 another run of it is under way.
    """
    if listed:
        from .study.portfolio import members_of, portfolio_file, read_portfolio

        file = portfolio_file(portfolio)
        click.echo("\n".join(one.study for one in members_of(read_portfolio(file), file)))
        return 0
    from .run.run_all import Choice, summary
    from .run.run_all import run_all as run_portfolio

    if only and pool_only:
        raise InputError("--only: runs a part and pools nothing; allowed: that or --pool-only")
    asked = click.get_current_context().get_parameter_source("langs") is not click.core.ParameterSource.DEFAULT
    done = run_portfolio(portfolio, out, Choice(langs if asked else None, jobs, only, pool_only, force, cell_seconds, run_seconds))
    close_line()
    click.echo("\n".join(map(plain_line, summary(done.sites))), err=True)
    if done.published:
        click.echo(str(done.published))
    if done.failed:
        fail(f"{', '.join(done.failed)}: did not finish; the others are done", 1)
    return 0


def in_its_words(study: str, change: dict, langs: list[str]) -> list[str]:
    """Those of the languages in which a study has sentences, where it has its own; what it has not is told. Raises InputError."""
    from .study.load import parse_change, read_study, study_file
    from .study.own_words import words_told

    asked = click.get_current_context().get_parameter_source("langs") is not click.core.ParameterSource.DEFAULT
    written, lines = words_told(read_study(study_file(study), parse_change(change)), langs, asked)
    for line in lines:
        warn(line)
    return written


def watched(study: str, change: dict, out: Path, on_failure: str | None) -> AbstractContextManager:
    """Alerts around a run; what they need is loaded only where somebody is to be told."""
    if on_failure is None and not os.environ.get(WEBHOOK):
        return nullcontext(lambda published: published)
    from .run import alert

    return alert.watched(study, out, on_failure, alert.names_given(study, change))


def office_files(published: Path, langs: list[str], pdf: bool, docx: bool, template: Path | None) -> None:
    """A4 and Word beside the pages of a run."""
    if not (pdf or docx):
        return
    from .report.pdf_docx import write_docx, write_pdf

    with stoppable():
        raise_if_asked()
        for lang in langs:
            if docx:
                write_docx(published, lang, template)
            for name in ("report", "brief") if pdf else ():
                write_pdf(published / f"{name}.{lang}.html", published / f"{name}.{lang}.pdf")


@cli.command()
@click.argument("study", required=False)
@click.option("--keep", type=click.IntRange(0), metavar="N", help="keep the N newest runs (published and failed counted apart)")
@click.option("--days", type=click.IntRange(0), metavar="D", help="keep what is younger than D days")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUTPUTS, show_default=True)
@click.option("--dry-run", is_flag=True, help="list what would go, take nothing")
def prune(study: str | None, keep: int | None, days: int | None, out: Path, dry_run: bool) -> int:
    """Take old runs away, of one study or of all. With both limits a run goes only if both let it go; the last good one never does."""
    from .run.prune import prune as take_away

    for name in take_away(out, study, keep, days, dry_run, warn):
        click.echo(name)
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layout", help="default: told from the header")
@click.option("--fees", type=click.Path(path_type=Path), help="fee schedule; default: FILE.fees.csv, if there")
@click.option("--json", "as_json", is_flag=True, help="for machines")
@click.option("--exact", is_flag=True, help="also counts of fewer than 5 dossiers: for whoever holds the file, not to be kept or sent on")
@click.option("--lang", type=click.Choice(LANGUAGES), help="default: that of the working folder, else vi")
def check(file: Path, layout: str | None, fees: Path | None, as_json: bool, exact: bool, lang: str | None) -> int:
    """Read an export (a file, a folder or a pattern) and say what was accepted, rejected and why, and what in its content may be
    wrong; or a study (FILE.yaml), and say whether its keys, words and data can be used. Writes nothing."""
    from .run.bench import language_here
    from .study.words import Words

    lang = lang or language_here() or "vi"
    if file.suffix.lower() in (".yaml", ".yml"):
        from .run.check_study import check_study_file, study_lines

        seen = check_study_file(file)
        click.echo(json.dumps(seen, indent=1) if as_json else "\n".join(map(plain_line, study_lines(seen, file, Words(lang)))))
        return 0
    from .vietnam.check_export import check_file, check_lines, rows_told, tellable

    found = check_file(file, layout, fees)
    found = found if exact else tellable(found)
    lines = map(plain_line, check_lines(found, Words(lang, domain="vietnam")))
    click.echo(json.dumps(rows_told(found), indent=1) if as_json else "\n".join(lines))
    return 0


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="its ending says the kind: .parquet, .csv, .xlsx or .dta (Stata)")  # fmt: skip
@click.option("--fees", type=click.Path(path_type=Path), help="fee schedule; default: FILE.fees.csv")
@click.option("--date", "date_column", type=click.Choice(["received", "submitted"]), default="received")
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True)
@click.option("--release", is_flag=True, help="merge cells below --min-count, and those that would tell them, into their parent")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUTPUTS, show_default=True,
              help="of --release: folder of the published runs beside which it is passed on; what it tells stays there")  # fmt: skip
@click.option("--engine", type=click.Choice(get_args(Engine)), default="duckdb", show_default=True,
              help="spark: a dossier list a task, on a cluster (pip install 'hgdx_eval[spark]', Java 17); the same cells")  # fmt: skip
@click.option("--master", help="of --engine spark: local[N], spark://HOST:PORT, yarn, k8s://URL; default: that of Spark's own settings")
def panel(files: tuple[Path, ...], output: Path, fees: Path | None, date_column: str, min_count: int, release: bool, out: Path,
          engine: str, master: str | None) -> int:  # fmt: skip
    """Make a monthly panel of exports: files, folders or patterns; no personal column. Written as the ending of -o says: .parquet, .csv,
    .xlsx, .dta."""
    from .panel.panel import export_panel
    from .panel.written import writer_of
    from .read.sources import data_files
    from .vietnam.dossier_panel import counting, dossier_panel
    from .vietnam.layouts import layout_of, summary_layouts
    from .vietnam.summary_panel import summary_panel

    if master is not None and engine != "spark":
        raise InputError("--master: belongs to --engine spark; add that, or leave --master out")
    writer_of(output)
    if not output.absolute().parent.is_dir():
        raise InputError(f"{output.name}: its folder does not exist")
    paths = [path for file in files for path in data_files(file)]
    layout = layout_of(paths[0])
    if layout in summary_layouts():
        if engine == "spark":
            raise InputError(f"--engine spark: {paths[0].name} is a summary ({layout}), no dossier list: leave --engine out")
        made = summary_panel(paths, layout)
    else:
        made = dossier_panel(paths, "opencps_dossiers", date_column, fees, count=counting(engine, master))
    with told_of(output.absolute().parent):
        if not release:
            export_panel(made, output, min_count, False)
        else:
            from .panel.disclosure import about
            from .run.told_before import release_panel

            left_out = release_panel(made, output, out.absolute(), min_count, date_column)
            gone = about(left_out) if left_out else "of all dossiers, 0"
            click.echo(f"{output.name}: released, {gone} left out (cells below {min_count} that no merging protects)", err=True)
    click.echo(str(output))
    return 0


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--effect", type=float, default=4.0, show_default=True, help="percentage points")
@click.option("--seed", type=click.IntRange(0), default=20230714, show_default=True)
@click.option("--dossiers", type=int, default=400_000, show_default=True)
@click.option("--layout", default="opencps_dossiers", show_default=True)
@click.option("--world", default="default", show_default=True)
def simulate(out: Path, effect: float, seed: int, dossiers: int, layout: str, world: str) -> int:
    """Write a made-up export with a known effect; beside it OUT.truth.csv, OUT.fees.csv and, of a dossier list, OUT.payments.csv."""
    from .vietnam.made_up_world import simulate as draw

    with told_of(out.absolute().parent):
        draw(out, effect=effect, seed=seed, dossiers=dossiers, layout=layout, world=world)
    click.echo(str(out))
    return 0


@cli.command()
@click.option("--service", required=True, type=click.Choice(["older", "newer"]), help="which of the portal's two JSON services")
@click.option("--province", required=True, metavar="CODE", help="as the service knows it: a number (older), a rootDepartmentId (newer)")
@click.option("--from", "first", required=True, metavar="YYYY-MM")
@click.option("--to", "last", required=True, metavar="YYYY-MM", help="the last month, included; it must be over")
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="folder that keeps every answer")
@click.option("--url", help="default: the national public-service portal")
@click.option("--report", "reports", multiple=True, help="default: counts by month (older); online service and online payment (newer)")
@click.option("--refresh", is_flag=True, help="ask again for what is there; what changed is kept beside it and listed")
@click.option("--pause", type=float, default=2.0, show_default=True, help="seconds between two requests")
def fetch(service: str, province: str, first: str, last: str, folder: Path, url: str | None, reports: tuple[str, ...], refresh: bool,
          pause: float) -> int:  # fmt: skip
    """Download monthly statistics of the national portal, one request at a time; prints the path of a tidy CSV.

    Not tried against the live service.
    """
    from .vietnam.portal import archive
    from .vietnam.portal import download as portal

    def say(line: str) -> None:
        click.echo(line, err=True)

    try:
        with told_of(folder):
            done = portal.fetch(url or portal.PORTAL, service, province, first, last, folder, reports=reports, refresh=refresh,
                                pause=pause, say=say)  # fmt: skip
    except archive.FolderBusy as error:
        fail(str(error), 3)
    except portal.FetchFailed as error:
        fail(str(error), 1)
    say("\n".join(portal.fetched_lines(done)))
    with told_of(folder):
        table = archive.write_table(folder)
    click.echo(str(table))
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--study", "name", help="its name, of a-z, 0-9 and _; default: of the file")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=".", show_default=True, help="folder of what is written")
@click.option("--json", "as_json", is_flag=True, help="what was found, as JSON, before the path")
def new(file: Path, name: str | None, out: Path, as_json: bool) -> int:
    """Begin a study from a data file: its keys and words, what could not be told marked `decide:`."""
    from .run.new_study import new_study

    with told_of(out.absolute()):
        path, draft = new_study(file, name, out)
    if as_json:
        told = {"study": draft.keys, "undecided": draft.undecided, "refused": draft.refused}
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
    else:
        for key, value in draft.keys.items():
            click.echo(f"{key}: {value}" + (f"  ({draft.remarks[key]})" if draft.remarks[key] else ""), err=True)
        click.echo(f"to decide: {', '.join(draft.undecided) or 'nothing'}; then: hgdx-eval run {path}", err=True)
    click.echo(str(path))
    return 0


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(LANGUAGES), default="vi", show_default=True, help="of the notebooks")
def init(folder: Path, lang: str) -> int:
    """Make a working folder: notebooks in one language, params, data, outputs. Nothing is overwritten."""
    from .run import bench

    with told_of(folder.absolute().parent):
        written = bench.init(folder, lang)
    click.echo(f"{len(written)} files written; inside this folder every command uses its notebooks and params first", err=True)
    click.echo(str(folder))
    return 0


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
def update(folder: Path) -> int:
    """Bring newer notebooks into a working folder, without losing changes."""
    from .run import bench

    with told_of(folder.absolute()):
        told = bench.update(folder)
    for name in told["conflict"]:
        click.echo(f"{name}: changed here and in the kit; yours stays, the newer one is {Path(name).with_suffix('.new.ipynb')}", err=True)
    click.echo(f"{len(told['new'])} brought in, {len(told['same'])} as they were, {len(told['conflict'])} in conflict", err=True)
    return 0


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
def lab(folder: Path) -> int:
    """Open JupyterLab on a working folder: notebooks, data and outputs in view."""
    from .run.bench import language_of, open_lab

    made = language_of(folder) is not None
    click.echo(f"JupyterLab on {folder.resolve()}" + ("" if made else ": no working folder; make one: hgdx-eval init FOLDER"), err=True)
    return open_lab(folder)


@cli.command("list")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUTPUTS, show_default=True, help="folder of the runs")
@click.option("--json", "as_json", is_flag=True, help="as JSON on standard output")
def list_(out: Path, as_json: bool) -> int:
    """Say what there is: studies, portfolios, layouts of exports, methods, runs."""
    from .run.listing import listing, told

    found = listing(out)
    click.echo(json.dumps(found, ensure_ascii=False, indent=1) if as_json else told(found))
    return 0


@cli.command(cls=WithKeys)
@click.argument("study")
@CHANGE
@click.option("--lang", "langs", default="vi,en", show_default=True, callback=languages)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path),
              help="the folder to write into; default: beside the study if it lies in the current folder, else there")  # fmt: skip
@click.option("--timeout", "run_seconds", type=SECONDS, default=7200, show_default=True, help="seconds that it may take")
def plan(study: str, change: dict, langs: list[str], output: Path | None, run_seconds: float) -> int:
    """Write down what a study will do before its outcomes are seen: STUDY.plan.yaml and a page in each language, with what would be found
    and what would make it fail. No number from the policy on is looked at; nothing is overwritten."""
    from .run.bench import spoken
    from .run.notebook_files import Options
    from .run.plan import folder_of, write_plan

    output = folder_of(study) if output is None else output
    with told_of(output.absolute().parent):
        files = write_plan(study, change, in_its_words(study, change, spoken(langs)), output, Options(run_seconds=run_seconds))
    close_line()
    click.echo("\n".join(map(str, files)))
    return 0


@cli.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="default: standard output")
def schema(output: Path | None) -> int:
    """Write the JSON Schema of a study, by which an editor completes and checks its keys: name it in the study's first line,
    `# yaml-language-server: $schema=FILE`."""
    from .base.aside import write_text
    from .study.study import schema_of

    text = json.dumps(schema_of(), ensure_ascii=False, indent=1)
    if output is None:
        click.echo(text)
        return 0
    with told_of(output.absolute().parent):
        write_text(output, text + "\n")
    click.echo(str(output))
    return 0


@cli.command()
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="default: beside the page")
@click.option("--all", "unfolded", is_flag=True, help="also what stands behind folds: every table and note")
def pdf(page: Path, output: Path | None, unfolded: bool) -> int:
    """Print a published page (report.vi.html) on A4 through Chromium, Chrome or Edge."""
    from .report.pdf_docx import write_pdf

    target = output or page.with_suffix(".pdf")
    with told_of(target.absolute().parent):
        write_pdf(page, target, unfolded)
    click.echo(str(target))
    return 0


@cli.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@CHANGE
def verify(run_dir: Path, change: dict) -> int:
    """Run a published run again from its receipt and compare every number."""
    from .run.verify import verify_run

    os.environ.pop(WEBHOOK, None)
    differences = verify_run(run_dir, change)
    close_line()
    click.echo("\n".join(differences) if differences else "every number is the same")
    return 4 if differences else 0


@cli.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="the package, *.zip")
@CHANGE
def replicate(run_dir: Path, output: Path, change: dict) -> int:
    """Write what a statistician needs to check a published run without this kit: a zip of the cells that may leave, the numbers to
    expect and scripts for Python (pyfixest), R (base R; fixest) and Stata (reghdfe). It is a release of counts like `panel --release`:
    what it tells is kept beside the runs, for those to come.
    """
    from .run.replicate import replicate_run
    from .study.load import parse_change

    if output.suffix.lower() != ".zip":
        raise InputError(f"{output.name}: the package is one zip: name it *.zip")
    if not output.absolute().parent.is_dir():
        raise InputError(f"{output.name}: its folder does not exist")
    there = output.exists()
    with told_of(output.absolute().parent):
        made = replicate_run(run_dir, output, parse_change(change), lambda line: click.echo(line, err=True))
    for line in made.in_short():
        click.echo(line, err=True)
    if there:
        click.echo(f"{output.name}: was there and has been replaced", err=True)
    click.echo(str(output))
    return 0
