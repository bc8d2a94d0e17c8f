"""Alembic's script location: each step that changed the ledger's tables."""
