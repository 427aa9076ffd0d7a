"""Finds components by kind and name; turns their constructors into JSON Schema."""

from vqfw.registry.building import build, load, load_entry, refused
from vqfw.registry.entries import Entry, Index, index
from vqfw.registry.files import PluginFile, load_file, load_recorded, plugin_files
from vqfw.registry.folders import load_folder
from vqfw.registry.parameters import fragment, parameters_of

__all__ = [
    "Entry",
    "Index",
    "PluginFile",
    "build",
    "fragment",
    "index",
    "load",
    "load_entry",
    "load_file",
    "load_folder",
    "load_recorded",
    "parameters_of",
    "plugin_files",
    "refused",
]
