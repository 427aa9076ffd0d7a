"""Scores of finished runs, from their records alone: compared, and set in tables."""
