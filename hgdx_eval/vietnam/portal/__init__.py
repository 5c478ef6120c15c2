"""The national portal's reports."""
