"""Faults of this host's packets: between one of its network namespaces and one port of one peer."""
