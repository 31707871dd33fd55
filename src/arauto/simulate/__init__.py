"""simulate: the hub in virtual time. Testing, back-testing and "what if" run the engine itself, with a clock that is
set, a database in memory, and providers that keep what they are given.
"""

from __future__ import annotations

from arauto.simulate.driving import Clock, Drive
from arauto.simulate.simulation import Carried, Outage, Simulation, Simulator

__all__ = ["Carried", "Clock", "Drive", "Outage", "Simulation", "Simulator"]
