"""One file, one estimator: a citation and `fit(design) -> Estimate`. A new file here is listed, called and tested."""
