"""Tables -> cells of units and periods, and what of them may be told."""
