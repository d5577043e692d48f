"""SMT-LIB scripts read and answered by Z3 and by cvc5."""

from __future__ import annotations

import cvc5
import z3


def by_z3(script: str) -> str:
    solver = z3.SolverFor("HORN", ctx=z3.Context())
    solver.from_string(script)
    return str(solver.check())


def by_cvc5(script: str) -> str:
    """What cvc5 prints last."""
    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    solver.setOption("finite-model-find", "true")  # the Booleans are few; without it quantifiers end as unknown
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "question.smt2")
    symbols = parser.getSymbolManager()
    printed = ""
    while not (command := parser.nextCommand()).isNull():
        printed = command.invoke(solver, symbols).strip() or printed
    return printed
