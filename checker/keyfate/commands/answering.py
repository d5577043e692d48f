"""`keyfate answers`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keyfate.checking.judges import Deadline
from keyfate.checking.questions import decide
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Shelf
from keyfate.commands.progress import bar
from keyfate.language.library import folder
from keyfate.policy.policy import Policy
from keyfate.policy.questions import load_questions
from keyfate.reporting.questions import page, told

FILE = "answers.toml"


def answers(path: Path | None, timeout: float | None) -> tuple[str, str, int]:
    """The document, what is wrong with it, and the exit status. Without a path: what keyfate ships."""
    shelf = Shelf()

    def load(paths: Sequence[Path]) -> Sequence[Policy]:
        return open_session(paths, {}, shelf).policies

    questions = load_questions(path or folder("models") / FILE, load)
    rows = sum(len(group.rows) for question in questions.questions for group in question.attacks)
    with bar("answering", sum(map(len, questions.asked().values())) + rows) as advance:
        decided = decide(questions, Deadline.after(timeout), advance)
    command = "keyfate answers" if path is None else f"keyfate answers {path.as_posix()}"
    return page(decided, command), told(decided), decided.exit_status
