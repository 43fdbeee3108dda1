"""Estimates of true labels and of voters' skill, and how far voters agree. Pure functions on arrays.

Nothing here depends on the order of votes, or on how tasks, voters and labels are named or numbered: every sum is exact
(`exact.py`), so what is renamed or comes in another order has the same result, byte for byte.
"""
