"""The JSON Schema of experiments, from the constructors of components, and its defaults."""
