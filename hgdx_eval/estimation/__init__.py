"""What estimators share: results, inference, fixed effects, weights."""
