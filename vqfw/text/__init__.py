"""JSON whose values know where they were written."""
