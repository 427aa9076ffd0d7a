"""Comparisons and tables of finished runs, made from their records alone."""
