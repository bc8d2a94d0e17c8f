"""The faults: each is parameters, operations that break something, evidence, and undo as data.

A fault never decides when; the guard does (`slochaos.guard`). To add one, write its operations as
frozen dataclasses (`operation.py`), a family with `check` and `prepare`, and list it in `catalogue.py`.
"""

from slochaos.faults.catalogue import check, if_host_dies, prepare

__all__ = ["check", "if_host_dies", "prepare"]
