from __future__ import annotations

import pytest

from diagrams.reading import Mermaid


@pytest.fixture(scope="session")
def parser(tmp_path_factory) -> Mermaid:
    """Mermaid's own; needs the network, as `pip install` did."""
    return Mermaid(tmp_path_factory.mktemp("mermaid"))
