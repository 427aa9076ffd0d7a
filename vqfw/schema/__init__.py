"""One JSON Schema from the constructors of all components, and the defaults that it states."""
