"""Airflow: a portfolio, a mapped task for each of its members, then their page, whatever became of some of them.

Variables of the environment: HGDX_COMMAND (default hgdx-eval), HGDX_PORTFOLIO (a name or a portfolio's file), HGDX_OUT, which every worker
must see as one folder, as it must the data.
"""

import os
import shlex
import subprocess
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

COMMAND = os.environ.get("HGDX_COMMAND", "hgdx-eval")
PORTFOLIO = os.environ.get("HGDX_PORTFOLIO", "portfolio_demo")
OUT = os.environ.get("HGDX_OUT", "/srv/hgdx/outputs")
GIVEN = {"PORTFOLIO": PORTFOLIO, "OUT": OUT}

with DAG(
    "hgdx_portfolio",
    schedule="15 3 5 * *",
    start_date=datetime(2024, 1, 5),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=30), "execution_timeout": timedelta(hours=3)},
    tags=["hgdx_eval"],
):

    @task
    def members() -> list[dict[str, str]]:
        """The environment of each member's task: it is one of as many shards as there are members."""
        asked = [*shlex.split(COMMAND), "run-all", PORTFOLIO, "--members"]
        names = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split()
        return [{**GIVEN, "SHARD": f"{number}/{len(names)}", "MEMBER": name} for number, name in enumerate(names, 1)]

    member = BashOperator.partial(
        task_id="member",
        bash_command=f'{COMMAND} run-all "$PORTFOLIO" --only "$SHARD" --out "$OUT"',
        append_env=True,
        skip_on_exit_code=3,
        map_index_template="{{ task.env['MEMBER'] }}",
    ).expand(env=members())
    pool = BashOperator(
        task_id="pool",
        bash_command=f'{COMMAND} run-all "$PORTFOLIO" --pool-only --out "$OUT"',
        env=GIVEN,
        append_env=True,
        skip_on_exit_code=3,
        trigger_rule="all_done",  # one that fails is told on the page and stops no other
    )
    member >> pool
