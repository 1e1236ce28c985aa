"""Spec files: a system and what is asked of it as YAML, with units.

The surprising idea: the file format is written down nowhere.  It is read off the
specifications themselves, so whatever an architecture can be told, a file can say, and
the schema that an editor checks by cannot fall behind.

A mistake is a `SpecError` with file, line, field, limit, value and the nearest right
spelling; all mistakes of a file come at once, as far as they can be told apart.

Assumptions: a file describes one system; what it does not say is the preset's that it
extends, else the default of the specification.
"""

from hamodel.specfile._extends import (
    KINDS,
    extended,
    laid_over,
    presets,
    read_tree,
    starter,
    text_of,
    tree_of,
)
from hamodel.specfile._load import Spec, load, made_of, preset, read
from hamodel.specfile._read import BELIEFS, Reader
from hamodel.specfile._schema import schema
from hamodel.specfile._sources import Source
from hamodel.specfile._tree import Problem, SpecError, TreeNode
from hamodel.specfile._tree import read as parsed

__all__ = [
    "BELIEFS",
    "KINDS",
    "Problem",
    "Reader",
    "Source",
    "Spec",
    "SpecError",
    "TreeNode",
    "extended",
    "laid_over",
    "load",
    "made_of",
    "parsed",
    "preset",
    "presets",
    "read",
    "read_tree",
    "schema",
    "starter",
    "text_of",
    "tree_of",
]
