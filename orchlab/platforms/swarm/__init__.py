"""Swarm: services on nodes that are containers, or on somebody's own Swarm."""
