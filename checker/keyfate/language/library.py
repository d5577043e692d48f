"""Where the shipped folders are: the lifecycles, the shared properties, what reports are made of.

They hold no Python and stand beside the code. A wheel maps them into the
package; an editable install and a checkout keep them beside the source root.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import keyfate

Folder = Literal["models", "properties", "reports"]


class LibraryError(Exception):
    """A shipped folder is missing: the installation is damaged."""


def folder(name: Folder) -> Path:
    """The shipped folder `name`, as an absolute path.

    Looks first inside the installed package, then beside the source root.
    Raises `LibraryError` where it is in neither place.
    """
    package = Path(keyfate.__file__).resolve().parent
    candidates = (package / name, package.parent.parent / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    looked = " and ".join(f"`{candidate}`" for candidate in candidates)
    raise LibraryError(
        f"the folder `{name}` that comes with keyfate is missing (looked for {looked}); install it again"
    )
