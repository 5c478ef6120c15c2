"""The colours of charts: a drawing has them as they are, and in classes that the page's style turns to its own (dark, print)."""

COLOURS = {
    "#0b4f8a": "treated", "#b35900": "comparison", "#16202b": "ink", "#505b67": "muted", "#c9d0d8": "rule",
    "#66707c": "event", "#a3123b": "accent", "#e6eaee": "band", "#ffffff": "bg",
}  # fmt: skip


def classes(fill: str, stroke: str) -> str:
    """The classes of an element of these colours, "" of others."""
    named = ((key, COLOURS.get(colour.lower())) for key, colour in (("f", fill), ("s", stroke)))
    return " ".join(f"{key}-{name}" for key, name in named if name)


def rules() -> str:
    """The style of these classes."""
    return "".join(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in COLOURS.values())
