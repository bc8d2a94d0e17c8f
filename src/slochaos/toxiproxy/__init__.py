"""A Toxiproxy server in the standard library, for machines that have none: a process of its own.

It speaks the HTTP API of toxiproxy-server 2.12 and relays TCP on one event loop. Beyond the real one it
ends what slochaos started by itself (`expiry.py`), listens and relays on loopback only unless told
otherwise (`limits.py`), keeps half-closed connections open, and never makes a request wait for a stuck
connection.
"""

from slochaos.toxiproxy.command import main

__all__ = ["main"]
