"""The site builds without a warning, has every document, and asks no other site for anything to show itself."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import pytest

from documents.test_links import ALL, links

BUILT: dict[str, str] = {"README.md": "index.html", "CHANGELOG.md": "CHANGELOG/index.html"}


def page(name: str) -> str:
    """Where the document is on the site."""
    if name in BUILT:
        return BUILT[name]
    plain = name.removeprefix("docs/").removesuffix(".md").removesuffix("README")
    return posixpath.join(plain, "index.html")


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # a notice about the theme's future, not about the site
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("INFO ")] == []
    return folder


def linked(html: Path, site: Path, *, article: bool = False) -> set[str]:
    """The files of the site that a page links to; with `article`, not in what surrounds every text."""
    text = html.read_text(encoding="utf-8")
    if article:
        (text,) = re.findall(r"<article\b.*?</article>", text, re.DOTALL)
    found = set()
    for target in re.findall(r'\bhref="(?!https?:|mailto:)([^"#]+)', text):
        path = posixpath.normpath(posixpath.join(html.parent.relative_to(site).as_posix(), target))
        found.add(posixpath.join(path, "index.html") if (site / path).is_dir() else path)
    return {posixpath.normpath(path) for path in found}


def test_every_document_is_a_page(site: Path) -> None:
    assert [name for name in ALL if not (site / page(name)).is_file()] == []


def test_links_between_documents_lead_there(root: Path, site: Path) -> None:
    """Those to what is not on the site, such as models/, are words."""
    for name in ALL:
        there = linked(site / page(name), site, article=True)
        for link in links((root / name).read_text(encoding="utf-8")):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link.partition("#")[0]))
            if target in ALL and target != name:
                assert page(target) in there, (name, link)


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    dead = [
        (html.relative_to(site).as_posix(), path)
        for html in site.rglob("*.html")
        if html.name != "404.html"  # its links begin at the top, wherever that will be
        for path in linked(html, site)
        if not (site / path).exists()
    ]
    assert dead == []


def test_a_page_needs_no_other_site(site: Path) -> None:
    """Scripts, styles, fonts and pictures are its own; a diagram alone is drawn by a script that the theme fetches."""
    for html in site.rglob("*.html"):
        text = html.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//[^"]*"', text) == []
        assert re.findall(r'<link\b(?![^>]*rel="canonical")[^>]*\bhref="(?:https?:)?//[^"]*"', text) == []
