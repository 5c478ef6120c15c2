"""Set-up and the everyday commands, on the standard library alone: python bootstrap.py report | test | test-long | lab.

Two environments beside this file: .venv runs the kit (without JupyterLab, which slows every start), .venv-dev also
tests and develops it. Both are installed from lock files with hashes; a stamp written last says that one is whole.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMMANDS = {
    "report": "run the demonstration and print the path of its report",
    "test": "run the tests (a few minutes)",
    "test-long": "run the Monte Carlo and browser tests",
    "lab": "open JupyterLab on the notebooks",
}
ENVIRONMENTS = {"run": (".venv", "requirements.lock"), "dev": (".venv-dev", "requirements-dev.lock")}
STAMP = "hgdx-stamp"


def stop(message, code=2):
    sys.stderr.write("bootstrap: %s\n" % message)
    sys.exit(code)


def say(message):
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def check_python(found):
    """One line where Python is too old."""
    if tuple(found[:2]) < (3, 11):
        stop("Python 3.11 or newer is needed, found %d.%d: install the package python3.11 (Debian, Ubuntu: apt install "
             "python3.11 python3.11-venv; Windows: winget install Python.Python.3.12; macOS: brew install python@3.12)"
             % (found[0], found[1]))  # fmt: skip


def check_venv():
    """One line where venv is missing, as on a bare Debian."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop("Python's venv is missing: install the package python3-venv (Debian, Ubuntu: apt install python3-venv)")


def python_of(folder):
    if os.name == "nt":
        return os.path.join(folder, "Scripts", "python.exe")
    return os.path.join(folder, "bin", "python")


def wanted_stamp(lock):
    """What an environment is made of: its lock, pyproject.toml, this Python and where it stands."""
    digest = hashlib.sha256()
    for name in (lock, "pyproject.toml"):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    digest.update(("%s %s" % (sys.version, HERE)).encode("utf-8"))
    return digest.hexdigest()


def is_ready(folder, stamp):
    try:
        with open(os.path.join(folder, STAMP), encoding="utf-8") as file:
            return file.read().strip() == stamp and os.path.exists(python_of(folder))
    except OSError:
        return False


def environment(kind):
    """The Python of an environment, made if it is not there, remade if it is not whole."""
    name, lock = ENVIRONMENTS[kind]
    folder = os.path.join(HERE, name)
    stamp = wanted_stamp(lock)
    if is_ready(folder, stamp):
        return python_of(folder)
    check_venv()
    started = time.time()
    say("set-up 1/3: a Python environment in %s" % name)
    shutil.rmtree(folder, ignore_errors=True)
    step([sys.executable, "-m", "venv", folder], "the environment could not be made")
    python = python_of(folder)
    say("set-up 2/3: packages of %s (a minute or two; every hash is checked)" % lock)
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install", "--disable-pip-version-check"]
    quiet = [] if uv else ["--progress-bar", "off"]
    step(install + quiet + ["--require-hashes", "-r", os.path.join(HERE, lock)], "the packages could not be installed",
         show=("Collecting", "Downloading", "Installing", "Resolved", "Prepared", "Installed"))  # fmt: skip
    say("set-up 3/3: hgdx_eval itself")
    step(install + ["--no-deps", "--no-build-isolation", "-e", HERE], "hgdx_eval could not be installed")
    with open(os.path.join(folder, STAMP), "w", encoding="utf-8") as file:
        file.write(stamp)
    say("set-up done in %d seconds" % (time.time() - started))
    return python


def step(command, failure, show=()):
    """One command, its lines of progress shown on one line of a terminal; its last lines where it fails."""
    tail, terminal = [], sys.stderr.isatty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE,
                               encoding="utf-8", errors="replace")  # fmt: skip
    count = 0
    for line in process.stdout:
        tail = (tail + [line.rstrip()])[-8:]
        if line.strip().startswith(show) if show else False:
            count += 1
            if terminal:
                sys.stderr.write("\r\033[K  %d %s" % (count, line.strip()[:90]))
            elif count % 20 == 0:
                say("  %d packages" % count)
    if terminal and count:
        sys.stderr.write("\r\033[K")
    if process.wait() != 0:
        say("\n".join(tail))
        stop("%s (exit code %d)" % (failure, process.returncode), 1)


def report(arguments):
    python = environment("run")
    started = time.time()
    process = subprocess.Popen([python, "-m", "hgdx_eval", "run", "demo"] + arguments, cwd=HERE, stdout=subprocess.PIPE,
                               encoding="utf-8")  # fmt: skip
    lines = [line.rstrip("\n") for line in process.stdout]
    if process.wait() != 0:
        return process.returncode
    say("the report was made in %d seconds" % (time.time() - started))
    print(os.path.join(HERE, lines[-1], "report.vi.html"))
    return 0


def run(command):
    return subprocess.call(command, cwd=HERE)


def main(arguments):
    check_python(sys.version_info)
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write("python bootstrap.py COMMAND\n" + "".join("  %-10s %s\n" % item for item in COMMANDS.items()))
        return 0 if not arguments or arguments[0] in ("help", "-h", "--help") else 2
    command, rest = arguments[0], arguments[1:]
    if command == "report":
        return report(rest)
    python = environment("dev")
    if command == "lab":
        return run([python, "-m", "jupyter", "lab", os.path.join(HERE, "notebooks")] + rest)
    return run([python, "-m", "pytest"] + (["-m", "long"] if command == "test-long" else []) + rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
