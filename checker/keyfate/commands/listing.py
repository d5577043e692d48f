"""`keyfate list`."""

from __future__ import annotations

from keyfate.checking.session import open_session
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.commands import naming
from keyfate.language.library import folder
from keyfate.policy.attackers import FILE, load_attackers
from keyfate.policy.finding import find, shipped_names
from keyfate.reporting.listing import Shipped, library_text, lifecycle_text


def listing(name: str | None, scope: Scopes, color: bool, width: int | None) -> str:
    """The library, or the lifecycle `name` (shipped, or a path)."""
    shelf = Shelf()
    if name is not None:
        path = naming.lifecycle(name)
        return lifecycle_text(name, shelf.load(path, scope).lifecycle, color=color, width=width)
    policies = open_session(find((folder("models") / "policies",)), {}, shelf).policies
    shipped = []
    for one in shipped_names():
        lifecycle = shelf.load(folder("models") / f"{one}.kf", {}).lifecycle
        shipped.append(Shipped(one, lifecycle, tuple(p for p in policies if p.lifecycle.path == lifecycle.path)))
    profiles = folder("models") / FILE
    titles = load_attackers(profiles).titles if profiles.is_file() else {}
    return library_text(shipped, titles, color=color, width=width)
