"""Rows, tables and their formats."""
