"""SLO files of other tools, read strictly and written as OpenSLO v1 of ours.

One module per tool. What is a plain count of a counter's series becomes an exact `selector` or `histogram`; other
PromQL stays a `query`, and every loss is said.
"""
