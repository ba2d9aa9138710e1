"""Prompts and answers far longer than their kind's."""

from audit.outliers.listing import Outliers, listed
from audit.outliers.outliers import outliers

__all__ = ["Outliers", "listed", "outliers"]
