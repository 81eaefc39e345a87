"""Pages from the templates of this package: everything escaped, hidden characters of corpus text named."""

from __future__ import annotations

from typing import Any

from toolkit.report.visible import pieces, plain


def render(template: str, **values: Any) -> str:
    """Return a page; a value that the template asks for and does not get is a defect."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("toolkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(pieces=pieces, plain=plain, **values)
