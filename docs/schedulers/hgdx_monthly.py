"""Airflow: the monthly run, then old runs taken away. Airflow calls the command; exit codes say what a task's state is.

Variables of the environment: HGDX_COMMAND (default hgdx-eval), HGDX_STUDY (a name or a study file), HGDX_OUT.
"""

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = os.environ.get("HGDX_COMMAND", "hgdx-eval")
STUDY = os.environ.get("HGDX_STUDY", "nq04_2023")
OUT = os.environ.get("HGDX_OUT", "/srv/hgdx/outputs")

with DAG(
    "hgdx_monthly",
    schedule="15 2 5 * *",
    start_date=datetime(2024, 1, 5),
    catchup=False,  # a run always uses the newest export: old dates would only repeat it
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=30), "execution_timeout": timedelta(hours=3)},
    tags=["hgdx_eval"],
):
    evaluate = BashOperator(
        task_id="evaluate",
        bash_command=f'{COMMAND} run "$STUDY" --out "$OUT"',
        env={"STUDY": STUDY, "OUT": OUT},
        append_env=True,
        skip_on_exit_code=3,  # another run is under way: neither failed nor done
    )
    prune = BashOperator(
        task_id="prune",
        bash_command=f'{COMMAND} prune --keep 24 --days 60 --out "$OUT"',
        env={"OUT": OUT},
        append_env=True,
        skip_on_exit_code=3,
    )
    evaluate >> prune
