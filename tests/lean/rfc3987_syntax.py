"""Stands before a library that JupyterLab brings along: jsonschema does without it, as in the environment that runs the kit, and importing
nbformat costs half a second of CPU in place of three."""

raise ImportError("not in the environment that runs the kit (requirements.lock)")
