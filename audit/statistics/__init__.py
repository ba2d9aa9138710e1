"""Estimators, intervals and tests over plain arrays; nothing here knows of tables, files or models."""
