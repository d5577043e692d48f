"""Results as JSON: exactly the dataclasses of `checking.results`, described by the schemas in reports/."""

from __future__ import annotations

import json
from dataclasses import asdict

from keyfate.checking.frontier import FrontierReport
from keyfate.checking.results import Linted, Report


def document(report: Report | Linted | FrontierReport) -> dict[str, object]:
    """The report as JSON's own types."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(report)))
    return plain


def to_json(report: Report | Linted | FrontierReport) -> str:
    """The report as a text that ends with a line end."""
    return json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"
