"""Sphinx: what turns the pages that make_pages.py made into a site. Nothing is fetched, neither here nor by a reader's browser."""

project = "hgdx_eval"
author = copyright = "hgdx_eval"
language = "en"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a decision begins with its second heading here and there
html_theme = "furo"
html_title = "hgdx_eval"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
add_module_names = False
python_maximum_signature_line_length = 100
pygments_style, pygments_dark_style = "default", "github-dark"
exclude_patterns = ["extra"]
html_extra_path = ["extra"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b4f8a", "color-brand-content": "#a3123b",
                            "font-stack": "'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"},
    "dark_css_variables": {"color-brand-primary": "#7cb8f2", "color-brand-content": "#ff8fa8"},
}  # fmt: skip


def in_its_language(app, page, template, context, tree):
    """A Vietnamese page says so to whatever reads it aloud or breaks its lines."""
    context["language"] = (context.get("meta") or {}).get("lang", "en")


def setup(app):
    app.connect("html-page-context", in_its_language)
