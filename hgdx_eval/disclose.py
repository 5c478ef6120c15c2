"""What readers may see of small counts: nothing below `min_count`."""

import pandas as pd

MERGED = "*"  # in place of a procedure or agency whose small cells were merged into their parent


def hidden(received: pd.Series, online: pd.Series, min_count: int) -> pd.Series:
    """True where a cell's dossiers, those online or those not, number from 1 to below `min_count`.

    A share of such a cell would tell of few people as plainly as the count. A cell of nothing or all is hidden only
    where it is small itself.
    """
    counter = received - online
    few = (received > 0) & (received < min_count)
    return few | ((online > 0) & (online < min_count)) | ((counter > 0) & (counter < min_count))


def merge_small(cells: pd.DataFrame, min_count: int) -> pd.DataFrame:
    """Cells with 1 to `min_count` - 1 dossiers merged into their parent, step by step: the agency's procedures of the
    same fee group, then the cluster's, then the province's; what is still small is left out. Empty cells are dropped.
    """
    keys = ["agency", "level", "cluster", "procedure", "fee_group", "period", "simulated"]
    counts = ["received", "online", "assisted"]
    done, rest = [], cells[cells["received"] > 0]
    for step in ({}, {"procedure": MERGED}, {"agency": MERGED, "level": MERGED}, {"cluster": MERGED}):
        rest = rest.assign(**step).groupby(keys, as_index=False)[counts].sum()
        small = rest["received"] < min_count
        done.append(rest[~small])
        rest = rest[small]
    return pd.concat(done, ignore_index=True).sort_values(keys, ignore_index=True)
