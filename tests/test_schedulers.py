"""The examples of docs/schedulers, executed as far as they can be here (Airflow: docs/schedulers/try_airflow.sh, a step of CI)."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
import yaml
from click.testing import CliRunner
from test_cli import ROOT

from hgdx_eval.cli import cli

EXAMPLES = ROOT / "docs" / "schedulers"
LINE = re.compile(r"^(\d+ \d+ \S+ \S+ \S+) (.+)$", re.M)


def commands_in(text):
    """The hgdx-eval command lines of an example, as words."""
    found = re.findall(r"hgdx-eval(?:\.exe</Command>\s*<Arguments>| )((?:run|prune) [^;&<>\n\"']*(?:\"\$?\w+\"[^;&<>\n\"']*)*)", text)
    return [line.replace('"', "").split() for line in found]


@pytest.mark.parametrize("name", ["crontab", "hgdx-eval.service", "github-actions.yml", "windows-task.xml"])
def test_every_command_of_an_example_is_one_that_the_kit_has(name):
    found = commands_in((EXAMPLES / name).read_text(encoding="utf-8"))
    assert found
    for words in found:
        verb = cli.commands[words[0]]
        verb.make_context(words[0], words[1:])  # raises where an option or argument is not known


def systemd(*words):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


def test_systemd_accepts_the_units(tmp_path):
    for unit in ("hgdx-eval.service", "hgdx-eval.timer"):
        text = (EXAMPLES / unit).read_text(encoding="utf-8")
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text, flags=re.M)  # verify asks that the program is there
        (tmp_path / unit).write_text(text.replace("file:///opt/hgdx_eval", "file:///usr"), encoding="utf-8")
    done = systemd("verify", *(str(tmp_path / unit) for unit in ("hgdx-eval.service", "hgdx-eval.timer")))
    assert done.returncode == 0 and "hgdx" not in done.stderr, done.stderr
    (tmp_path / "hgdx-eval.service").write_text("[Service]\nTypo=oneshot\n", encoding="utf-8")
    assert "hgdx" in systemd("verify", str(tmp_path / "hgdx-eval.service")).stderr  # it would have said so


def test_systemd_fires_on_the_fifth_in_vietnam():
    when = re.search(r"^OnCalendar=(.+)$", (EXAMPLES / "hgdx-eval.timer").read_text(encoding="utf-8"), re.M)[1]
    done = systemd("calendar", when, "--iterations=3")
    assert done.returncode == 0
    times = re.findall(r"\(in UTC\): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d)|elapse: \w+ (\d{4}-\d\d-\d\d \d\d:\d\d).* UTC|#\d: \w+ (\d{4}-\d\d-\d\d \d\d:\d\d).* UTC",
                       done.stdout)  # fmt: skip
    assert {next(filter(None, found))[8:] for found in times} == {"04 19:15"}, done.stdout


def test_the_workflow_of_github_runs_what_was_looked_at_and_builds_as_set_up_does():
    text = (EXAMPLES / "github-actions.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert len(used) == 4 and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used)
    installs = re.findall(r"pip install ([^#\n]*)", text)
    assert ["--require-hashes" in line or {"--no-deps", "--no-build-isolation"} <= set(line.split()) for line in installs] == [True, True]


def test_the_workflow_of_github_is_whole(tmp_path):
    flow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    assert flow[True]["schedule"] == [{"cron": "15 19 4 * *"}]  # YAML 1.1 reads `on` as true, GitHub does not mind
    job = flow["jobs"]["evaluate"]
    assert flow["permissions"] == {"contents": "read"} and job["env"]["HGDX_WEBHOOK"] == "${{ secrets.HGDX_WEBHOOK }}"
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    for script in steps.values():
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    assert all((ROOT / name).is_file() for name in re.findall(r"-r (\S+)", steps["Set up"]))
    binary = tmp_path / ".venv" / "bin"
    binary.mkdir(parents=True)
    (binary / "hgdx-eval").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hgdx_eval "$@"\n', encoding="utf-8")
    (binary / "hgdx-eval").chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    (tmp_path / "outputs").mkdir()
    done = subprocess.run(["bash", "-e", "-c", steps["Prune"]], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        ["bash", "-e", "-c", steps["Run"]], cwd=tmp_path, env={**env, "STUDY": "no_such_study"}, capture_output=True, text=True
    )
    assert done.returncode == 2 and "no_such_study" in done.stderr


def test_the_windows_task_is_xml_that_names_its_command():
    root = ElementTree.parse(EXAMPLES / "windows-task.xml").getroot()
    space = {"t": root.tag[1:].partition("}")[0]}
    assert (
        root.find(".//t:Exec/t:Command", space).text.endswith("hgdx-eval.exe")
        and root.find(".//t:MultipleInstancesPolicy", space).text == "IgnoreNew"
    )


def test_the_table_of_exit_codes_is_the_programs():
    told = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d) \|", told, re.M)] == [0, 1, 2, 3, 4]
    options = {
        option for command in ("run", "prune") for option in re.findall(r"--[a-z-]+", CliRunner().invoke(cli, [command, "--help"]).output)
    }
    assert set(re.findall(r"`(--[a-z-]+)", told)) <= options


@pytest.mark.long
def test_cron_runs_the_line_of_the_crontab(tmp_path):
    """A real cron daemon, the example's own line, a minute's wait: only paths, study and date are replaced."""
    cron = shutil.which("cron") or shutil.which("cron", path="/usr/sbin:/sbin")
    if os.name == "nt" or os.geteuid() != 0 or cron is None:
        pytest.skip("a cron daemon needs root and the package cron")
    example = (EXAMPLES / "crontab").read_text(encoding="utf-8")
    when, line = LINE.search(example).groups()
    assert when == "15 2 5 * *"
    kit, out = tmp_path / "kit", tmp_path / "out"
    (kit / ".venv" / "bin").mkdir(parents=True)
    out.mkdir()
    program = kit / ".venv" / "bin" / "hgdx-eval"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hgdx_eval "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "bad.yaml").write_text("study: bad\nwhat: 1\n", encoding="utf-8")
    line = line.replace("run nq04_2023", f"run {tmp_path}/bad.yaml").replace("/srv/hgdx/exports", f"{tmp_path}")
    table = Path("/etc/cron.d") / f"hgdx-eval-test-{os.getpid()}"
    table.write_text(f"SHELL=/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\nKIT={kit}\nOUT={out}\n* * * * * root {line}\n", encoding="utf-8")
    table.chmod(0o644)
    running = any(process.info["name"] == "cron" for process in psutil.process_iter(["name"]))  # else one of the test's own
    daemon = subprocess.Popen(["sleep", "200"] if running else [cron, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end, log = time.monotonic() + 100, out / "run.log"
        while not (log.is_file() and "exit code" in log.read_text(encoding="utf-8")):
            assert time.monotonic() < end and daemon.poll() is None
            time.sleep(0.5)
        text = log.read_text(encoding="utf-8")
        assert re.search(r"^run \d{4}-\d\d-\d\dT", text) and "exit code 2" in text and "hgdx-eval: bad.yaml" in text
    finally:
        table.unlink()
        daemon.terminate()
        daemon.wait(10)
