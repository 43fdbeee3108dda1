"""Reports of measurements: plots and tables as a page, as PNGs and as CSVs."""

from loadtest.report.machine import machine
from loadtest.report.parts import Plot, Report, Series, Shade, Table, Verdict
from loadtest.report.writing import write

__all__ = ["Plot", "Report", "Series", "Shade", "Table", "Verdict", "machine", "write"]
