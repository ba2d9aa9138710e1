"""The report: everything gathered once as plain data, rendered as one HTML file."""

from audit.report.data import ReportData, gather
from audit.report.render import render

__all__ = ["ReportData", "gather", "render"]
