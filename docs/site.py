"""A hook of MkDocs: what stands outside docs/ and belongs to the site, and where links lead there.

README, CHANGELOG, LICENSE and examples/ have the place that they have in the repository, docs/ is at the top. Links are
written for the repository and changed here as they are read; what is not on the site is shown without its link.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<mark>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    root = Path(config.config_file_path).parent
    outside = [root / name for name in ("README.md", "CHANGELOG.md", "LICENSE")]
    outside += [path for path in sorted((root / "examples").rglob("*")) if path.is_file()]
    for path in outside:
        name = path.relative_to(root).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    def changed(link: re.Match[str]) -> str:
        target, hash_, anchor = link["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        place = posixpath.normpath(posixpath.join(posixpath.dirname(here), target)).removeprefix("docs/")
        found = next((p for p in (place, posixpath.join(place, "README.md")) if files.get_file_from_path(p)), None)
        if found is None:
            return link["words"]
        beside = posixpath.relpath(found, posixpath.dirname(page.file.src_uri) or ".")
        return f"{link['mark']}[{link['words']}]({beside}{hash_}{anchor})"

    here = page.file.src_uri if page.file.generated_by else f"docs/{page.file.src_uri}"
    return "".join(part if i % 2 else LINK.sub(changed, part) for i, part in enumerate(FENCED.split(markdown)))
