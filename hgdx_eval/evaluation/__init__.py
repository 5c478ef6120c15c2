"""From estimates to a verdict with its checks and warning signs."""
