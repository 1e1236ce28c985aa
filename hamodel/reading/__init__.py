"""Configuration files of products as systems: `patroni.yml` in, a system file out.

Each format is one file with a table: field of the product, where it goes in a system
file, what the product takes where nothing is said (by version, with the source), and
what of it the models have no place for.  What a file says keeps the place where it
stood, so that `hamodel explain` shows `patroni.yml:14` beside a value.

The surprise is how little of a configuration decides how available a system is: of two
hundred lines a dozen matter, and two or three of those break a rule that the product's
own documentation states.

Assumptions: the files are those of one system, complete, and in force; what they leave
open is the product's default, or what the preset assumes.  Values that are not numbers,
switches or names of hosts are never repeated, so that secrets stay where they are.
"""

from hamodel.reading._core import Default, Draft, Entry, Field, Format, Note, Stated
from hamodel.reading._read import FORMATS, Reading, read_files, recognised

__all__ = [
    "FORMATS",
    "Default",
    "Draft",
    "Entry",
    "Field",
    "Format",
    "Note",
    "Reading",
    "Stated",
    "read_files",
    "recognised",
]
