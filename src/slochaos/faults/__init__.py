"""The faults: each is parameters, operations that break something, evidence, and undo as data.

A fault never decides when; the guard does (`slochaos.guard`). To add one, write its operations as frozen
dataclasses (`operation.py`) and a `Fault` (`fault.py`) in a module of its own, and list that in `catalogue.py`.
"""

from slochaos.faults.catalogue import entry, if_host_dies, prepare, traits

__all__ = ["entry", "if_host_dies", "prepare", "traits"]
