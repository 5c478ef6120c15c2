"""Set-up and the everyday commands, on the standard library alone: python bootstrap.py report | test | test-long | test-spark | lab | docs.

Four environments beside this file: .venv runs the kit, .venv-dev also tests and develops it, .venv-spark has Apache Spark
besides, .venv-docs has what turns pages into a site and nothing else. JupyterLab
stays out of the first because its JSON schema extras triple the time of
`import papermill`. All are installed from lock files with hashes; a stamp written last says that one is whole. Old
Pythons must be able to parse this file, to be told so.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMMANDS = {
    "report": "run the demonstration and print the path of its report",
    "test": "run the tests (some ten minutes on two cores)",
    "test-long": "run the Monte Carlo, browser and whole-program tests (some half an hour on two cores)",
    "test-spark": "run the tests of Apache Spark, in an environment of its own (450 MB; needs Java 17 or newer)",
    "lab": "open JupyterLab on a working folder (my_study, made if it is not there; --lang en: in English)",
    "docs": "build the documentation site and print the path of its first page (a minute; nothing is fetched once it is set up)",
    "wheel": "build a wheel and an sdist into dist/, notebooks and parameters inside",
}
ENVIRONMENTS = {
    "run": (".venv", "requirements.lock"),
    "dev": (".venv-dev", "requirements-dev.lock"),
    "spark": (".venv-spark", "requirements-spark.lock"),
    "docs": (".venv-docs", "requirements-docs.lock"),
}
REPORTS = ("report.vi.html", "report.en.html")
STAMP = "hgdx-stamp"
UNREADABLE = '$"`:[\\\n\r'  # in the path of this folder


def stop(message, code=2):
    say("bootstrap: %s" % message)
    sys.exit(code)


def say(message):
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def check_python(found):
    """One line where Python is too old."""
    if tuple(found[:2]) < (3, 11):
        stop(
            "Python 3.11 or newer is needed, found %d.%d: install the package python3.11 (Debian, Ubuntu: apt install "
            "python3.11 python3.11-venv; Windows: winget install Python.Python.3.12; macOS: brew install python@3.12)"
            % (found[0], found[1])
        )


def check_venv():
    """One line where venv is missing, as on a bare Debian."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "Python's venv is missing: install the package python3-venv (Debian, Ubuntu: apt install python3-venv, or "
            "python%d.%d-venv where this is not the system's own Python)" % sys.version_info[:2]
        )


def check_place(here):
    """One line where the path of this folder holds what venv, pip or the scripts that they write take for something else."""
    wrong = sorted(set(here) & set(UNREADABLE))
    if os.name == "nt":
        wrong = [letter for letter in wrong if letter not in ":\\"]
    if wrong or here != here.encode("utf-8", "replace").decode("utf-8"):
        told = " ".join(ascii(letter)[1:-1] for letter in wrong) or "bytes that are not UTF-8"
        stop("the path of this folder holds %s, which the tools of set-up cannot read: move or rename the folder" % told)


def python_of(folder):
    if os.name == "nt":
        return os.path.join(folder, "Scripts", "python.exe")
    return os.path.join(folder, "bin", "python")


def wanted_stamp(lock):
    """What an environment is made of: its lock, pyproject.toml, this Python and where it stands."""
    digest = hashlib.sha256()
    for name in (*locks_of(lock), "pyproject.toml"):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    digest.update(("%s %s" % (sys.version, HERE)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def locks_of(lock):
    """Spark's lock stands on that of the tests."""
    return (ENVIRONMENTS["dev"][1], lock) if lock == ENVIRONMENTS["spark"][1] else (lock,)


def is_ready(folder, stamp):
    try:
        with open(os.path.join(folder, STAMP), encoding="utf-8") as file:
            return file.read().strip() == stamp and os.path.exists(python_of(folder))
    except (OSError, ValueError):
        return False


def environment(kind):
    """The Python of an environment, made if it is not there, remade if it is not whole."""
    name, lock = ENVIRONMENTS[kind]
    folder = os.path.join(HERE, name)
    stamp = wanted_stamp(lock)
    if is_ready(folder, stamp):
        return python_of(folder)
    check_place(HERE)
    check_venv()
    turn = wait_for_turn()
    try:
        if not is_ready(folder, stamp):  # else another call made it meanwhile
            make(name, folder, lock)
            with open(os.path.join(folder, STAMP), "w", encoding="utf-8") as file:
                file.write(stamp)
    finally:
        turn.close()
    return python_of(folder)


def wait_for_turn():
    """A file that one set-up at a time holds; the system lets go of it however that set-up ends."""
    try:
        file = open(os.path.join(HERE, ".venv.lock"), "w")  # noqa: SIM115
    except OSError as error:
        stop("nothing can be written beside bootstrap.py: %s" % error.strerror, 1)
    try:
        lock_file(file, wait=False)
    except OSError:
        say("another set-up is at work here: waiting for it")
        try:
            lock_file(file, wait=True)
        except OSError:
            say("this folder cannot be locked: going on without")
    return file


def lock_file(file, wait):
    if os.name == "nt":
        import msvcrt

        while True:
            try:
                return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise
                time.sleep(1)
    import fcntl

    return fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def make(name, folder, lock):
    started = time.time()
    if os.path.islink(folder):
        stop("%s is a link: set-up makes a folder of its own there, so take the link away" % name)
    say("set-up 1/3: a Python environment in %s" % name)
    if os.path.exists(os.path.join(folder, STAMP)):
        os.remove(os.path.join(folder, STAMP))  # first: what is half removed or half made must not look whole
    shutil.rmtree(folder, ignore_errors=True)
    step([sys.executable, "-m", "venv", folder], "the environment could not be made")
    say("set-up 2/3: packages of %s (a minute or two; every hash is checked)" % lock)
    for number, own in enumerate(locks_of(lock)):  # pyspark comes as source: it is built by the first lock's setuptools
        built = ["--no-build-isolation", "--no-deps"] if number else []
        install(folder, built + ["--require-hashes", "-r", os.path.join(HERE, own)], "the packages could not be installed")
    if lock != ENVIRONMENTS["docs"][1]:  # pages are made by another environment, which has the kit
        say("set-up 3/3: hgdx_eval itself")
        # the lock holds setuptools: without isolation nothing unpinned is fetched to build with
        install(folder, ["--no-deps", "--no-build-isolation", "-e", HERE], "hgdx_eval could not be installed")
    say("set-up done in %d seconds" % (time.time() - started))


def install(folder, what, failure):
    """By uv where there is one, else, or where it fails (it reads no pip.conf, so knows no office mirror), by pip."""
    python = python_of(folder)
    uv = shutil.which("uv")  # which leaves it to the first start to compile packages, and to every start where nothing may be written
    if uv and run([uv, "pip", "install", "--compile-bytecode", "--python", python] + what, progress=True)[0] == 0:
        return
    if uv:
        say("  uv could not; trying pip")
    step([python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"] + what, failure)


def step(command, failure):
    """One command of the set-up; its last lines and one clear line where it fails."""
    code, tail = run(command, progress=True)
    if code != 0:
        say("\n".join(tail))
        stop("%s (exit code %d)" % (failure, code), 1)


def run(command, progress=False):
    """Exit code and last lines of a command: a step of the set-up, or one whose standard output is passed on."""
    tail, count = [], 0
    # PIP_USER: a setting that no environment can follow; the encoding: Vietnamese letters in paths, on Windows too
    environ = dict(os.environ, PIP_USER="0", PYTHONIOENCODING="utf-8")
    process = subprocess.Popen(
        command, env=environ, cwd=HERE if progress else None, encoding="utf-8", errors="surrogateescape",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT if progress else None,
    )  # fmt: skip
    try:
        for line in process.stdout:
            tail = (tail + [line.rstrip()])[-8:]
            count += show(line, count) if progress else pass_on(line)
        code = process.wait()
    except SystemExit:  # ended from outside: so is the command, and it may tidy up
        process.terminate()
        process.wait()
        raise
    except KeyboardInterrupt:  # the terminal has told the command too
        process.wait()
        raise
    if count and sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    return code, tail


def show(line, count):
    """Progress of an installer: one line of a terminal, elsewhere a line now and then."""
    if not line.strip().startswith(("Collecting", "Installing", "Resolved", "Prepared", "Installed")):
        return 0
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K  %d %s" % (count + 1, line.strip()[:90]))
    elif (count + 1) % 20 == 0:
        say("  %d packages" % (count + 1))
    return 1


def pass_on(line):
    sys.stdout.write(line)
    sys.stdout.flush()
    return 0


def report(arguments):
    """The demonstration; the last line is its report. Paths among the arguments are relative to the caller's folder."""
    python = environment("run")
    started = time.time()
    # -P: what lies in the caller's folder must not stand in for a module
    own = ["run", "demo", "--out", os.path.join(HERE, "outputs")]
    code, lines = run([python, "-P", "-m", "hgdx_eval"] + own + arguments)
    if code != 0:
        return max(code, 1)
    folder = os.path.abspath(lines[-1] if lines else "")
    pages = [os.path.join(folder, name) for name in REPORTS if os.path.exists(os.path.join(folder, name))]
    if pages:
        say("the report was made in %d seconds" % (time.time() - started))
        print(pages[0])
    return 0


def docs():
    """The documentation site; the last line is its first page."""
    dev = ENVIRONMENTS["dev"]
    kit = os.path.join(HERE, dev[0])
    kit = python_of(kit) if is_ready(kit, wanted_stamp(dev[1])) else environment("run")
    return build_site(kit, environment("docs"), os.path.join(HERE, "build", "docs"))


def build_site(kit, sphinx, folder):
    """Pages by a Python that has the kit, HTML by one that has Sphinx, then a look at every link; nothing is fetched."""
    pages, site, own = os.path.join(folder, "pages"), os.path.join(folder, "html"), os.path.join(HERE, "docs", "site")
    shutil.rmtree(site, ignore_errors=True)
    for command in (
        [kit, os.path.join(own, "make_pages.py"), pages, os.path.join(folder, "runs")],
        [sphinx, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-d", os.path.join(folder, "doctrees"), "-b", "html", pages, site],
        [kit, os.path.join(own, "check_site.py"), site],
    ):
        if subprocess.call(command, cwd=HERE) != 0:
            return 1
    print(os.path.join(site, "index.html"))
    return 0


def lab(python, arguments):
    """JupyterLab on a working folder of one's own beside this file, which git does not see; made where it is not there."""
    folder = os.path.join(HERE, "my_study")
    kit = [python, "-P", "-m", "hgdx_eval"]  # -P: what lies in the folder must not stand in for a module
    if arguments or not os.path.isdir(os.path.join(folder, ".hgdx_eval")):
        code = subprocess.call(kit + ["init", "my_study"] + arguments, cwd=HERE)
        if code != 0:
            return code
    return subprocess.call(kit + ["lab", folder], cwd=HERE)


def pytest_words(command, rest):
    """All cores for a whole suite, a file to a core; files or tests that are named run as they are asked for."""
    chosen = ["-m", "long or browser"] if command == "test-long" else []
    named = [word for word in rest if os.path.exists(os.path.join(HERE, word.split("::")[0]))]
    workers = [] if named else ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
    return chosen + workers + rest


def compiled_once(environ):
    """Tests start hundreds of programs: what they import is compiled by the first of them, wherever images of servers forbid it."""
    return {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main(arguments):
    check_python(sys.version_info)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    if not arguments or arguments[0] not in COMMANDS:
        say("python bootstrap.py COMMAND\n" + "\n".join("  %-10s %s" % item for item in COMMANDS.items()))
        return 0 if not arguments or arguments[0] in ("help", "-h", "--help") else 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    command, rest = arguments[0], arguments[1:]
    try:
        if command == "report":
            return report(rest)
        if command == "docs":
            return docs()
        python = environment("spark" if command == "test-spark" else "dev")
        if command == "test-spark":
            return subprocess.call([python, "-m", "pytest", "-n0", os.path.join("tests", "vietnam", "test_spark.py")] + rest, cwd=HERE)
        if command == "lab":
            return lab(python, rest)
        if command == "wheel":  # the lock holds setuptools: without isolation nothing unpinned is fetched to build with
            return subprocess.call([python, "-m", "build", "--no-isolation"] + rest, cwd=HERE)
        return subprocess.call([python, "-m", "pytest"] + pytest_words(command, rest), cwd=HERE, env=compiled_once(os.environ))
    except KeyboardInterrupt:
        stop("stopped; the same command takes up where it can", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
