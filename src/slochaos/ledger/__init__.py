"""The ledger: what ran, what it was charged, what was injected and decided.

SQLite in the user's state folder by default, PostgreSQL for teams. It never decides anything.
`rows.py` is what it answers, `store.py` how to ask.
"""
