"""What makes AgentMesh's PostgreSQL cluster."""

from __future__ import annotations

import base64

from environments.agentmesh.cluster import scram_verifier


def test_the_password_verifier_is_that_of_the_rfc() -> None:
    """The server signature's key is RFC 7677's example's: user `user`, password `pencil`."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    verifier = scram_verifier("pencil", salt, iterations=4096)
    assert verifier == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
