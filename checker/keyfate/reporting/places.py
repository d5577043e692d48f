"""Files as the host of the repository names them: below its root, with forward slashes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from keyfate.checking.results import Location


@dataclass(frozen=True)
class Places:
    """`root` is the repository's top folder, `here` what shown paths are relative to, `web` what
    the path of a file follows in its address (None where nobody says)."""

    root: Path
    here: Path
    web: str | None = None

    def name(self, file: str) -> str | None:
        """The file below the root; None where it is no file or lies elsewhere, as what keyfate ships."""
        path = self.here / file
        if not os.path.isfile(path):
            return None
        for plain in (os.path.abspath, os.path.realpath):  # a link may lead out, or be the way in
            try:
                return Path(plain(path)).relative_to(plain(self.root)).as_posix()
            except ValueError:
                continue
        return None

    def address(self, at: Location) -> str | None:
        """Where a browser shows the line."""
        name = self.name(at.file)
        return None if name is None or self.web is None else f"{self.web}{quote(name)}#L{at.line}"


def places(environment: Mapping[str, str], here: Path) -> Places:
    """As GitHub Actions and GitLab CI describe the repository; outside of both, the current folder."""
    server, project, commit = (environment.get(f"GITHUB_{n}") for n in ("SERVER_URL", "REPOSITORY", "SHA"))
    root = Path(environment.get("GITHUB_WORKSPACE") or environment.get("CI_PROJECT_DIR") or here)
    if server and project and commit:
        return Places(root, here, f"{server}/{project}/blob/{commit}/")
    page, commit = environment.get("CI_PROJECT_URL"), environment.get("CI_COMMIT_SHA")
    return Places(root, here, f"{page}/-/blob/{commit}/" if page and commit else None)
