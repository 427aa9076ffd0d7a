"""``python -m vqfw.schema``: prints the schema of the first-party components, made afresh."""

from vqfw.errors import PluginError
from vqfw.schema.document import as_text
from vqfw.schema.loading import generate

try:
    print(as_text(generate()), end="")
except PluginError as error:
    raise SystemExit(f"error: {error}") from error
