#!/usr/bin/env bash
# Runs the Airflow DAGs once each, on tiny made-up studies, in an environment of Airflow's own: docs/schedulers/try_airflow.sh PYTHON
# PYTHON: one that has hgdx_eval. Exit code 0: `airflow dags test` ended well, a complete run was published, and a portfolio's page of three.
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

mkdir "$work/notebooks"
cp "$kit/notebooks/effect.ipynb" "$work/notebooks"
printf 'portfolio: many\ntitle: {vi: Nhiều, en: Many}\nstudies: ["./member_*.yaml"]\n' >"$work/many.yaml"
for member in 1 2 3; do
  sed "s/^study: tiny/study: member_$member/; s/^data: .*/data: member_$member.csv/" "$work/tiny.yaml" >"$work/member_$member.yaml"
  awk -F, -v OFS=, -v n=$member 'NR > 1 { $3 += (NR * n * 7) % 11 / 10 + n * ($1 == "u1" && $2 > 2020) } 1' "$work/data.csv" >"$work/member_$member.csv"
done

export AIRFLOW_HOME=$work/airflow AIRFLOW__CORE__DAGS_FOLDER=$kit/docs/schedulers AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__UNIT_TEST_MODE=False AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False PYTHONPYCACHEPREFIX=$work/pycache
export HGDX_COMMAND="$python -m hgdx_eval" HGDX_STUDY=$work/tiny.yaml HGDX_OUT=$work/outputs PYTHONPATH=$kit
start=$SECONDS
"$work/venv/bin/airflow" db migrate >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
"$work/venv/bin/airflow" dags test hgdx_monthly 2024-02-05 >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
echo "airflow: the DAG ran in $((SECONDS - start)) s"
start=$SECONDS
HGDX_PORTFOLIO=$work/many.yaml HGDX_NOTEBOOKS=$work/notebooks "$work/venv/bin/airflow" dags test hgdx_portfolio 2024-02-05 >"$work/log" 2>&1 ||
  { tail -40 "$work/log"; exit 1; }
echo "airflow: the portfolio's DAG ran in $((SECONDS - start)) s"
"$python" - "$work/outputs/tiny/latest/receipt.json" "$work/outputs/many/latest/receipt.json" <<'END'
import json, sys

receipt = json.load(open(sys.argv[1], encoding="utf-8"))
assert receipt["state"] == "complete", receipt["state"]
print("airflow: a complete run was published:", receipt["run"])
pooled = json.load(open(sys.argv[2], encoding="utf-8"))
assert pooled["state"] == "complete" and [one["study"] for one in pooled["members"] if one["run"]] == ["member_1", "member_2", "member_3"]
print("airflow: the portfolio's page of three runs was published:", pooled["run"])
END
