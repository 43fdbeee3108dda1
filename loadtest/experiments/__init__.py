"""Experiments: the platform under the loads that its predecessors were measured with."""
