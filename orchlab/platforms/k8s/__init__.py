"""Kubernetes: a cluster that kind makes."""
