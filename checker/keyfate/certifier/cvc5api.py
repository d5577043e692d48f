"""The part of cvc5 that this room uses, typed; it is optional, and a second opinion beside Z3."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from keyfate.certifier.z3api import Answer, SolverError


def installed() -> str | None:
    """Its version; None where it is not installed."""
    try:
        return version("cvc5")
    except PackageNotFoundError:
        return None


def answer(script: str, seconds: float) -> Answer:
    """What a fresh cvc5 says of an SMT-LIB script that asks once; `unknown` after so many seconds.

    Raises SolverError where it gives up or cannot read the script.
    """
    import cvc5

    try:
        terms = cvc5.TermManager()
        solver = cvc5.Solver(terms)
        solver.setOption("tlimit-per", str(max(1, min(int(seconds * 1000), 2**31 - 1))))
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "certificate")
        symbols = parser.getSymbolManager()
        said: list[str] = []
        while not (command := parser.nextCommand()).isNull():
            said.append(command.invoke(solver, symbols).strip())
    except (RuntimeError, MemoryError) as error:  # cvc5's own errors are RuntimeErrors
        raise SolverError(str(error) or "out of memory") from error
    found = [line for line in said if line]
    if found == ["sat"]:
        return "sat"
    if found == ["unsat"]:
        return "unsat"
    if found == ["unknown"]:
        return "unknown"
    raise SolverError(" ".join(found)[:200] or "it said nothing")
