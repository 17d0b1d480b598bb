"""Compose: one project on one host."""
