"""What counts mean: bounds, the always-valid test, attribution, power, recovery, and the decisions.

Pure: no I/O, no clock, no third-party import. Numbers come in, values come out.
"""
