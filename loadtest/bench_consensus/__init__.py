"""Estimates of true labels on a million votes."""
