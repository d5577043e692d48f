"""The certifier's encoding read in one concrete state of the plain interpreter."""

from __future__ import annotations

from collections.abc import Mapping

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.language.typed import Value
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.names import (
    Before,
    Bit,
    CapabilityName,
    CapabilityOn,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    StateIs,
)


class Concrete:
    """Values of formulas in `state` under these settings."""

    def __init__(
        self,
        encoding: Encoding,
        controls: Mapping[ControlName, Value],
        capabilities: Mapping[CapabilityName, bool],
        state: State,
    ) -> None:
        self._encoding = encoding
        self._controls = controls
        self._capabilities = capabilities
        self._state = state
        self._memo: dict[int, int] = {}

    def bit(self, bit: Bit) -> bool:
        match bit:
            case ControlIs(control, value):
                return self._controls[control] == value
            case CapabilityOn(capability):
                return self._capabilities[capability]
            case StateIs(name, value):
                return self._state.states[name] == value
            case Holds(place, term):
                return term in self._state.places[place]
            case Observed(term):
                return term in self._state.observed
            case Happened(action):
                return self._state.did == action
            case Before():
                return self._state.history[bit]

    def __call__(self, formula: int) -> bool:
        value = self._encoding.formulas.substitute(formula, ~0, self._image, self._memo)
        assert value in (TRUE, FALSE)
        return value == TRUE

    def _image(self, variable: int) -> int:
        return TRUE if self.bit(self._encoding.bits.meaning[variable]) else FALSE
