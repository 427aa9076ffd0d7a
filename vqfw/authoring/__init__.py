"""Describes, scaffolds and documents components: ``plugins new`` and the generated pages."""
