"""A small study of a table, and the head of a portfolio, for tests that name several of them."""

STUDY = """study: {name}
data: {name}.csv
unit: unit
period: year
frequency: Y
outcome: value
scale: share
treated_from: {{a: 2021}}
weights: none
cluster: unit
estimator: two_way_fixed_effects
"""
HEAD = "portfolio: many\ntitle: {vi: Nhiều, en: Many}\n"
