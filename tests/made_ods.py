"""OpenDocument sheets made by hand: nothing that is installed writes them."""

import zipfile
from pathlib import Path

SPACES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style"))
STYLES = "".join(f'<style:style style:name="{name}" style:family="table"><style:table-properties table:display="{shown}"/></style:style>'
                 for name, shown in (("seen", "true"), ("unseen", "false")))  # fmt: skip


def sheets(path: Path, *told: tuple[str, str, str], start: str = "") -> Path:
    """A file of (name, style, XML of rows)."""
    tables = "".join(f'<table:table table:name="{name}" table:style-name="{style}">{rows}</table:table>' for name, style, rows in told)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        )
        archive.writestr("content.xml", f'<?xml version="1.0" encoding="UTF-8"?>{start}<office:document-content {SPACES}><office:automatic-styles>{STYLES}'
                         f"</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>")  # fmt: skip
    return path


def cell(value: object, more: str = "") -> str:
    kind = f'office:value-type="float" office:value="{value}"' if isinstance(value, (int, float)) else 'office:value-type="string"'
    return f"<table:table-cell {kind} {more}><text:p>{value}</text:p></table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"
