"""Studies: many runs from one file; the missing ones are trained, and one table is written."""
