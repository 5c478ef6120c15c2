#!/usr/bin/env bash
# Runs the Airflow DAG once, on a tiny made-up study, in an environment of Airflow's own: docs/schedulers/try_airflow.sh PYTHON
# PYTHON: one that has hgdx_eval. Exit code 0: `airflow dags test` ended well and a complete run was published.
set -euo pipefail
kit=$(cd "$(dirname "$0")/../.." && pwd)
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

start=$SECONDS
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-compile --require-hashes -r "$kit/docs/schedulers/airflow.lock"
echo "airflow: installed in $((SECONDS - start)) s"

{
  echo "unit,year,value"
  for unit in 1 2 3 4 5 6 7 8; do for year in $(seq 2015 2024); do
    echo "u$unit,$year,$((unit * 10 + (unit == 1 && year > 2020) * 20 + unit * year % 3))"
  done; done
} >"$work/data.csv"
cat >"$work/tiny.yaml" <<END
study: tiny
data: data.csv
unit: unit
period: year
frequency: Y
outcome: value
treated_from: {u1: 2021}
weights: none
cluster: unit
estimator: two_way_fixed_effects
END

export AIRFLOW_HOME=$work/airflow AIRFLOW__CORE__DAGS_FOLDER=$kit/docs/schedulers AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__UNIT_TEST_MODE=False AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False PYTHONPYCACHEPREFIX=$work/pycache
export HGDX_COMMAND="$python -m hgdx_eval" HGDX_STUDY=$work/tiny.yaml HGDX_OUT=$work/outputs PYTHONPATH=$kit
start=$SECONDS
"$work/venv/bin/airflow" db migrate >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
"$work/venv/bin/airflow" dags test hgdx_monthly 2024-02-05 >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
echo "airflow: the DAG ran in $((SECONDS - start)) s"
"$python" - "$work/outputs/tiny/latest/receipt.json" <<'END'
import json, sys

receipt = json.load(open(sys.argv[1], encoding="utf-8"))
assert receipt["state"] == "complete", receipt["state"]
print("airflow: a complete run was published:", receipt["run"])
END
