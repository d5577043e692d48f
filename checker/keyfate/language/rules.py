"""Where what may stand: R5, R6, R11 and R12 over the uses that typing collected."""

from __future__ import annotations

from typing import Literal

from keyfate.language.symbols import Reporter, Use

Context = Literal["controls", "guard", "attacker guard", "plain", "exposure", "never", "always", "possible"]


def judge(uses: list[Use], context: Context, reporter: Reporter) -> None:
    """Reports every use that its context does not allow.

    controls: constraints and first values (controls only). plain: conditions of effects
    and conditions inside terms.
    """
    for use in uses:
        if context == "controls" and use.what in ("state", "place", "past", "knows", "recoverable", "plus"):
            reporter.report(
                "KF240",
                f"`{_short(use)}` is not a control (R6)",
                use.span,
                help="constraints, first values and `starts with` are about controls only",
            )
        elif use.what == "plus" and context in ("exposure", "never", "always", "possible"):
            reporter.report(
                "KF243",
                f"`{_short(use)}` stands outside effects and guards (R5)",
                use.span,
                help="compare with a number, as in `epoch = 2`, or bind one: `some e: Epoch { … }`",
            )
        elif use.what == "knows":
            _knows(use, context, reporter)
        elif use.what == "recoverable":
            _recoverable(use, context, reporter)


def _knows(use: Use, context: Context, reporter: Reporter) -> None:
    if context not in ("attacker guard", "never"):
        where = {"always": "write it as `never …`", "possible": "a benefit is a witness without the attacker"}
        reporter.report(
            "KF241",
            "`attacker knows` stands only in attackers' guards and in `never` (R11)",
            use.span,
            help=where.get(
                context, "so that adding a capability can never mend a property; ask `PLACE yields …` instead"
            ),
        )
    elif use.polarity != 1:
        reporter.report(
            "KF242",
            "`attacker knows` stands under a negation (R11)",
            use.span,
            help="power only adds: what the attacker does not know may mend nothing; turn the condition round",
        )


def _recoverable(use: Use, context: Context, reporter: Reporter) -> None:
    if context not in ("never", "possible"):
        reporter.report(
            "KF241",
            "`recoverable` stands only in properties, in `never` and `possible` (R11)",
            use.span,
            help="in guards ask `PLACE has …` or `PLACE yields …`" if context != "always" else "write it as `never …`",
        )
    elif context == "never" and use.polarity != 1:
        reporter.report(
            "KF242",
            "`recoverable` stands under a negation (R11)",
            use.span,
            help="in a `never` it stands un-negated, so that adding a capability can never mend the property",
        )


def _short(use: Use) -> str:
    text = " ".join(use.span.text.split())
    return text if len(text) <= 40 else text[:39] + "…"
