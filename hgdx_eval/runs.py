"""The order of a run: study, key, lock, panel, main method, notebooks, pages; published at once or not at all."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from .errors import Busy, InputError, RunFailed
from .notebook_files import Job, Options, notebook_names
from .params import Study, parse_change, read_study, study_file
from .progress import begin, failure_of, one_line, say, warn
from .published import (
    check_writable,
    keep_failed,
    latest_run,
    missing_above,
    next_name,
    publish,
    read_receipt,
    recover,
    remove_if_empty,
    write_json,  # fmt: skip
)
from .receipt import Key, inputs_key
from .signals import Interrupted, interruptible, raise_if_asked, stoppable, time_limit

LOCK_SECONDS = 5.0
OPTIONS = Options()


def run_study(study: str, change: dict, langs: list[str], out: Path, options: Options = OPTIONS) -> Path:
    """Run a study and publish it under `out/<study>/<run>/`; returns that folder (the last one where nothing changed).

    Raises InputError (2), Busy (3), RunFailed (1).
    """
    file = study_file(study)
    p = read_study(file, parse_change(change))
    folder = out.absolute() / p.study
    try:
        with interruptible(), time_limit(options.run_seconds):
            p, key = keyed(p, langs)
            if not options.force and (same := unchanged(p, folder, key)):
                return same
            check_writable(folder)
            made = missing_above(folder)
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with locked(folder):
                    recover(folder)
                    if not options.force and (same := unchanged(p, folder, key)):  # another run made it while this one waited
                        return same
                    try:
                        return build(p, langs, folder, options, key, file)
                    finally:
                        if not options.compared:
                            refresh_history(folder)
            finally:
                remove_if_empty(folder, made)
    except Interrupted as error:
        raise RunFailed(f"{p.study}: {one_line(error)}; nothing was published") from None


def keyed(p: Study, langs: list[str]) -> tuple[Study, Key]:
    """The study with its data file, drawn where it is simulated, and the key of all that decides the run's content."""
    from .data_files import study_data

    p = p.model_copy(update={"data": str(study_data(p))})
    return p, inputs_key(p, langs)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The study's lock; waits briefly. A dead process's lock is free again by itself."""
    lock = filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Busy(f"{folder.name}: another run of this study is under way") from None
    try:
        yield
    finally:
        lock.release()


def unchanged(p: Study, folder: Path, key: Key) -> Path | None:
    """The last complete run, if it was made from the very same inputs. Raises InputError where they have grown old meanwhile."""
    latest = latest_run(folder)
    receipt = read_receipt(latest) if latest else None
    if receipt is None or receipt.get("key") != key.whole or receipt.get("state") != "complete":
        return None
    if p.fresh_within is not None:
        from .panel import check_age

        check_age(receipt["newest"], receipt["inputs"][0]["file"], p)
    begin()
    say(f"{folder.name}: unchanged, nothing to do")
    return latest


def build(p: Study, langs: list[str], folder: Path, options: Options, key: Key, file: Path) -> Path:
    """The run itself, under the study's lock: built in a hidden folder beside the published ones."""
    from .optional import left_out

    with left_out():
        from .execute import execute_all, held_over, kernels
        from .publish import publish_files
    from .receipt import make_receipt
    from .remember import remember_inputs

    started, clock = datetime.now(UTC), time.monotonic()
    run = next_name(folder, key.whole, started)
    building = folder / f".building-{run}"
    receipt: dict = {"run": run}
    try:
        with kernels(p) as (work, hand_over):
            panel, main = first_look(p, options, hand_over)
            receipt = make_receipt(p, panel, langs, key, run, started)
            begin()
            building.mkdir()
            write_json(building / "receipt.json", {**receipt, "state": "running"})
            say(f"{p.study}: {main}")
            (building / "notebooks").mkdir()
            todo = [Job(name, lang) for lang in langs for name in notebook_names()]
            done = {} if options.force else held_over(todo, key, latest_run(folder), building / "notebooks")
            executed = execute_all(p, todo, done, building / "notebooks", work, options)
        say(f"{p.study}: writing the report")
        publish_files(building, p, panel, langs, executed, {**receipt, "seconds": round(time.monotonic() - clock, 1)}, key)
        raise_if_asked()
        final = publish(building, run)
        if not options.compared:
            remember_inputs(final, p, file)
        return final
    except InputError:
        shutil.rmtree(building, ignore_errors=True)
        raise
    except (Exception, Interrupted) as error:
        reason, seconds = one_line(error), round(time.monotonic() - clock, 1)
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": reason, "failure": failure_of(error), "seconds": seconds})
        raise RunFailed(f"{p.study}: {reason}; nothing was published") from error


def refresh_history(folder: Path) -> None:
    """The page of all runs. Its charts are loaded only here, so that an unchanged run ends at once; what stops it now does
    not undo a run that is published."""
    if not folder.is_dir() or all(path.name == ".lock" for path in folder.iterdir()):
        return  # refused before anything began: nothing is written
    try:
        with stoppable():
            from .run_history import refresh

            refresh(folder.parent, warn)
    except Interrupted as signal_name:
<<<<<<< HEAD
        say(f"{folder.name}: stopped by {signal_name} while the history page was written")


def unused(folder: Path, run: str) -> str:
    """The run's name, numbered where two runs begin in one second."""
    names = [run, *(f"{run}-{n}" for n in range(2, 1000))]
    return next(n for n in names if not (folder / n).exists() and not (folder / "failed" / n).exists())


def one_line(error: BaseException) -> str:
    """What went wrong, without traceback, path or data."""
    if isinstance(error, Interrupted):
        return f"stopped by {error}"
    if isinstance(error, RunFailed):
        return str(error)
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def prepare_work(work: Path, p: Study, panel: Panel) -> None:
    """What the kernels need, in a folder of this run alone (mode 0700): no path goes through a notebook."""
    for name in ("jupyter", "ipython"):
        (work / name).mkdir(mode=0o700)
    (work / "study.json").write_text(p.model_dump_json(), encoding="utf-8")
    (work / "panel.pickle").write_bytes(pickle.dumps(panel))


def kernel_environment(work: Path) -> dict[str, str]:
    """What kernels inherit: nothing of a run is left in the user's home, and charts need no screen."""
    return {"HGDX_WORK": str(work), "JUPYTER_RUNTIME_DIR": str(work / "jupyter"), "IPYTHONDIR": str(work / "ipython"),
            "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # fmt: skip


def execute_all(p: Study, langs: list[str], folder: Path, work: Path, jobs: int) -> dict[Job, nbformat.NotebookNode]:
    """Every notebook in every language, `jobs` at a time, each written as executed. Raises RunFailed."""
    folder.mkdir()
    todo = [Job(name, lang) for lang in langs for name in NOTEBOOKS]
    done: dict[Job, nbformat.NotebookNode] = {}
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = {pool.submit(execute, job, p, folder, work): job for job in todo}
        try:
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_EXCEPTION, timeout=1.0)
                for future in finished:
                    job = futures[future]
                    done[job], seconds = future.result()
                    say(f"{p.study}: [{len(done)}/{len(todo)}] {job.name} · {job.lang} · {seconds:.1f} s")
        except BaseException:
            for future in futures:
                future.cancel()
            kill_kernels()
            raise
    return {job: done[job] for job in todo}


def kill_kernels() -> None:
    """End every child process, so that waiting threads come back."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue


def execute(job: Job, p: Study, folder: Path, work: Path) -> tuple[nbformat.NotebookNode, float]:
    """One notebook through papermill. The truth is judged here from its cells, not from papermill's own marks."""
    import papermill

    for name in ("papermill", "traitlets"):  # a failure is told once, by the runner
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    started = time.monotonic()
    shown = {key: Path(value).name if key in PATH_KEYS else value
             for key, value in p.model_dump(mode="json", include={"data"}).items()}  # fmt: skip
    target = folder / f"{job.stem}.ipynb"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(notebook_folder() / f"{job.name}.ipynb"), str(target), kernel_name="python3", progress_bar=False,
                parameters={"study": p.study, "lang": job.lang, "change": shown}, cwd=str(work), config=kernel_config(job, work),
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise RunFailed(f"notebook {job.stem}, cell {error.exec_count}: {error.ename}: {first_line(error.evalue)}") from None
    except Exception as error:
        raise RunFailed(f"notebook {job.stem}: {one_line(error)}") from None
    notebook = nbformat.read(target, as_version=4)
    check_complete(job, notebook)
    stable_ids(notebook)
    nbformat.write(notebook, target)
    return notebook, time.monotonic() - started


def kernel_config(job: Job, work: Path) -> object:
    """Where the system can, the kernel talks through sockets in the run's private folder instead of open TCP ports."""
    from traitlets.config import Config

    return Config() if os.name == "nt" else Config({"KernelManager": {"transport": "ipc", "ip": str(work / job.stem)}})


def first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text and text.strip() else "no message"


def check_complete(job: Job, notebook: nbformat.NotebookNode) -> None:
    """Every code cell ran, once, in order, without an error. Raises RunFailed."""
    expected = 1
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.execution_count != expected:
            raise RunFailed(f"notebook {job.stem}: a cell did not run (after {expected - 1} that did)")
        if any(output.output_type == "error" for output in cell.outputs):
            raise RunFailed(f"notebook {job.stem}, cell {expected}: an error")
        expected += 1


def stable_ids(notebook: nbformat.NotebookNode) -> None:
    """Cell ids by position and no clock times, so that the same run gives the same file; times are in the receipt."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("papermill", None)


# --- what is published ---------------------------------------------------------------------------------------------


def publish_files(building: Path, p: Study, panel: Panel, langs: list[str], executed: dict, receipt: dict) -> None:
    """estimates.csv, reports, notebook pages and the receipt, in the folder being built."""
    tables = {lang: collected([nb for job, nb in executed.items() if job.lang == lang], p) for lang in langs}
    first = tables[langs[0]]
    for lang in langs[1:]:
        if not first.equals(tables[lang]):
            raise RunFailed(f"the estimates differ between {langs[0]} and {lang}")
    first.map(harmless).to_csv(building / "estimates.csv", index=False, lineterminator="\n")
    annexes = {lang: receipt_annex(receipt, lang, p) for lang in langs}
    for lang in langs:
        mine = {job: notebook for job, notebook in executed.items() if job.lang == lang}
        page = page_of(p, panel, lang, "report", annexes[lang])
        write_text(building / f"report.{lang}.html", render(list(mine.values()), page))
        brief = [notebook for job, notebook in mine.items() if job.name == "brief"]
        write_text(building / f"brief.{lang}.html", render(brief, page_of(p, panel, lang, "brief", ())))
        for job, notebook in mine.items():
            page = page_of(p, panel, lang, "notebook", ())
            write_text(building / "notebooks" / f"{job.stem}.html", render([notebook], page))
    result = result_of(first, panel, p, list(executed.values()))
    write_json(building / "receipt.json", {**receipt, "result": result, "state": "complete", "finished": now()})


def page_of(p: Study, panel: Panel, lang: str, kind: str, annexes: tuple[str, ...]) -> Page:
    from .story import page_for

    return page_for(p, panel, study_words(p, lang), kind, annexes)


def receipt_annex(receipt: dict, lang: str, p: Study) -> tuple[str, ...]:
    from .story import receipt_block

    return (receipt_block(receipt, study_words(p, lang)),)


def collected(notebooks: list[nbformat.NotebookNode], p: Study) -> pd.DataFrame:
    """Every estimate that the notebooks recorded, under the contract's columns. Raises RunFailed where there is none."""
    rows = [dict(zip(data["columns"], row, strict=True)) for notebook in notebooks for cell in notebook.cells
            if cell.cell_type == "code" for output in cell.outputs
            for data in [output.get("data", {}).get(ESTIMATES_MIME)] if data for row in data["rows"]]  # fmt: skip
    if not rows:
        raise RunFailed("the notebooks recorded no estimate")
    table = result_table(rows)
    check_table(table)
    return table.assign(study=p.study)[COLUMNS]


def make_receipt(p: Study, panel: Panel, langs: list[str], key: str, run: str, started: datetime) -> dict:
    """What is needed to run it again: no folder, user or host."""
    study = {name: Path(value).name if name in PATH_KEYS and value else value
             for name, value in p.model_dump(mode="json", exclude_defaults=True).items()}  # fmt: skip
    files = data_files(Path(p.data))
    inputs = [{"file": panel.origin.file, "sha256": panel.origin.sha256, "rows": panel.origin.rows,
               "layout": panel.origin.layout}]  # fmt: skip
    fees = p.fees or f"{files[0]}.fees.csv" if p.layout != "table" else None
    beside = [*(files if len(files) > 1 else []), *map(payments_beside, files), fees, p.words, p.scorecard, p.places]
    inputs += [{"file": Path(path).name, "sha256": sha256_of(Path(path))} for path in beside if path and Path(path).is_file()]
    return {
        "run": run, "study": study, "languages": langs, "simulated": panel.origin.simulated, "inputs": inputs,
        "facts_sha256": load_facts().sha256, "code_sha256": code_hash(), "notebooks_sha256": notebooks_hash(),
        "git_commit": git_commit(), "python": ".".join(map(str, sys.version_info[:3])), "packages": package_versions(),
        "seed": p.seed, "key": key, "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def package_versions() -> dict[str, str]:
    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    return {name: of(name) for name in ("hgdx_eval", *PACKAGES)}


def notebooks_hash() -> str:
    digest = sha256()
    for name in NOTEBOOKS:
        path = notebook_folder() / f"{name}.ipynb"
        if not path.is_file():
            raise InputError(f"{path.name}: there is no such notebook")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def git_commit() -> str | None:
    """The checkout's commit, with `+` where files differ from it; None outside a checkout."""
    import subprocess

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return commit and commit + ("+" if ask("status", "--porcelain", "--untracked-files=no") else "")


def inputs_key(p: Study, panel: Panel, langs: list[str]) -> str:
    """SHA-256 of all that decides a run's content: study, data, facts, code, notebooks, packages, languages."""
    receipt = make_receipt(p, panel, langs, "", "", datetime(2000, 1, 1, tzinfo=UTC))
    decisive = {k: v for k, v in receipt.items() if k not in ("run", "started", "key", "git_commit")}
    return sha256(json.dumps(decisive, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def unchanged(folder: Path, key: str) -> Path | None:
    """The last complete run, if it was made from the very same inputs."""
    latest = latest_run(folder)
    if latest is None:
        return None
    try:
        receipt = json.loads((latest / "receipt.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return latest if receipt.get("key") == key and receipt.get("state") == "complete" else None


def latest_run(folder: Path) -> Path | None:
    """The folder that `latest` points at, by link or by the one-line file where links are impossible."""
    link, text = folder / "latest", folder / "latest.txt"
    if link.is_dir():
        return link.resolve()
    if text.is_file():
        found = folder / text.read_text(encoding="utf-8").strip()
        return found if found.is_dir() else None
    return None


def point_latest(folder: Path, run: str) -> None:
    """`latest` names the run from one moment to the next: a relative link, or a one-line file."""
    fresh = folder / f".latest-{run}"
    try:
        os.symlink(run, fresh, target_is_directory=True)
        os.replace(fresh, folder / "latest")
    except OSError:
        fresh.unlink(missing_ok=True)
        write_text(folder / f".latest-{run}.txt", run + "\n")
        os.replace(folder / f".latest-{run}.txt", folder / "latest.txt")


def keep_failed(building: Path, failed: Path, receipt: dict, state: str = "failed") -> None:
    """Leave the receipt and the notebooks of a run that did not finish; never a report. Best effort on a full disk."""
    try:
        failed.mkdir(parents=True, exist_ok=True)
        if (building / "notebooks").is_dir():
            (failed / "notebooks").mkdir(exist_ok=True)
            for file in (building / "notebooks").glob("*.ipynb"):
                os.replace(file, failed / "notebooks" / file.name)
        write_json(failed / "receipt.json", {**receipt, "state": state, "finished": now()})
    except OSError as error:
        say(f"the receipt of the failed run could not be written: {error.strerror}")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def mark_killed(folder: Path) -> None:
    """What a killed run left behind becomes a failed run, so marked. Called under the study's lock."""
    for building in folder.glob(".building-*"):
        run = building.name.removeprefix(".building-")
        try:
            receipt = json.loads((building / "receipt.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            receipt = {"run": run}
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": "the run was killed"}, KILLED)


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_text(path: Path, text: str) -> None:
    """Written whole and flushed to the disk before anything points at it."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: dict) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


# --- verify --------------------------------------------------------------------------------------------------------


def private_record(run_dir: Path) -> Path:
    """Where this user's machine remembers a run's inputs: outside every published folder, mode 0600."""
    receipt = (run_dir / "receipt.json").read_bytes()
    return user_state_path("hgdx_eval") / "runs" / f"{sha256(receipt).hexdigest()[:32]}.json"


def remember_inputs(run_dir: Path, p: Study, file: Path) -> None:
    """Best effort: without it `verify` asks for the data."""
    try:
        path = private_record(run_dir)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"study": p.model_dump(mode="json", exclude_defaults=True), "file": str(file)}, stream)
    except OSError:
        say("where the inputs lay could not be remembered: verify will ask for them")


def verify_run(run_dir: Path, change: dict) -> list[str]:
    """Run it again from its receipt into a temporary folder; a table of differences, no line where all is equal.

    Raises InputError where receipt or inputs are not found.
    """
    try:
        receipt = json.loads((run_dir / "receipt.json").read_text(encoding="utf-8"))
        pd.read_csv(run_dir / "estimates.csv", keep_default_na=False)
    except (OSError, ValueError):
        raise InputError(f"{run_dir.name}: not a published run (no readable receipt.json and estimates.csv)") from None
    if receipt.get("state") != "complete":
        raise InputError(f"{run_dir.name}: not a complete run (state {receipt.get('state')!r})")
    study = verify_study(run_dir, receipt, parse_change(change))
    with tempfile.TemporaryDirectory(prefix="hgdx-verify-") as folder:
        file = Path(folder) / f"{study['study']}.yaml"
        file.write_text(json.dumps(study, ensure_ascii=False), encoding="utf-8")
        again = run_study(str(file), {}, receipt["languages"], Path(folder) / "outputs", 2, True)
        fresh = json.loads((again / "receipt.json").read_text(encoding="utf-8"))
        return differences.lines_of(differences.differences(run_dir, again, receipt, fresh))


def verify_study(run_dir: Path, receipt: dict, change: dict) -> dict:
    """The receipt's study with paths that exist here: remembered ones, or those given by -p."""
    try:
        remembered = json.loads(private_record(run_dir).read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, KeyError):
        remembered = {}
    study = {key: value for key, value in receipt["study"].items() if key != "fresh_within"}  # its data were fresh then
    for key in PATH_KEYS:
        path = change.get(key) or remembered.get(key)
        if path and (data_there(Path(path)) if key == "data" else Path(path).is_file()):
            study[key] = str(path)
        elif key == "data" or key == "scorecard" and study.get(key):
            what = {"data": "data file", "scorecard": "scorecard file"}[key]
            raise InputError(f"{run_dir.name}: its {what} {study.get(key)!r} is not found; give it as -p {key}=PATH")
        else:
            study.pop(key, None)
    return study


def data_there(data: Path) -> bool:
    """Whether a file, folder or pattern leads to a file."""
    try:
        return all(file.is_file() for file in data_files(data))
    except InputError:
        return False
=======
        warn(f"{folder.name}: stopped by {signal_name} while the history page was written")
    except Exception as error:  # a library that a signal stopped halfway in being imported cannot be used; the next run writes the page
        warn(f"{folder.name}: the history page could not be written: {type(error).__name__}")


def first_look(p: Study, options: Options, hand_over: object) -> tuple[object, str]:
    """The panel, handed to the kernels to come, once the main method has accepted it: what is wrong is refused before any starts."""
    from . import estimators
    from .designs import study_design
    from .panel import check_fresh, load_panel
    from .scorecard import scorecard

    say(f"{p.study}: reading the data")
    panel = load_panel(p)
    if not options.compared:
        check_fresh(panel, p)
    scorecard(panel, p)
    hand_over(panel)
    estimators.estimate(study_design(panel, p), p.estimator)
    return panel, p.estimator
>>>>>>> main
