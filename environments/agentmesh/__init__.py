"""AgentMesh in small: a real API on a real PostgreSQL and a model provider, for `local` to break.

It stands for the system of a user and knows nothing of slochaos. Modules that run: `agentmesh.database`,
`agentmesh.api`, `agentmesh.provider` (`python -m`, working directory `environments/`).
"""
