"""What the brief says, as it travels in its executed notebook: to the document for Word, the picture of the answer, previews of pages."""

from collections.abc import Iterable

MIME = "application/vnd.hgdx.document+json"


def document_of(outputs: Iterable[dict]) -> dict | None:
    """The last document among the outputs of notebooks (their data); None where there is none."""
    return next((data[MIME] for data in reversed(list(outputs)) if MIME in data), None)


def part_of(document: dict, kind: str) -> dict:
    """The first part of a kind; empty where there is none."""
    return next((part for part in document["parts"] if part["kind"] == kind), {})


def answer_text(document: dict) -> str:
    """The answer as one plain text, for previews."""
    said = part_of(document, "answer")
    return f"{said['before']}{said['strong']}{said['after']}" if said else ""
