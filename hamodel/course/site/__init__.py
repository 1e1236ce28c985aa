"""The lessons as static pages: `python -m hamodel.course.site`, or `make site`.

For a reader who can run nothing: each notebook becomes one HTML file that opens from a
disk without network.  The surprising part is that the explorers still move.  Each of
their controls is taken through its range here, one at a time, and the page keeps the
frames; as neighbours share most of their lines, fifty pictures weigh as much as five.

A page holds all that it needs: pictures as SVG, formulas as MathML, its style and its
forty lines of JavaScript.  A content security policy in its head forbids it to load
anything.  Without JavaScript the first frame stands, and every fold still opens.

Assumptions: a notebook keeps to the conventions of `hamodel.course`, and its folder
holds the notebooks that it links to.
"""

from hamodel.course.site._build import build, main

__all__ = ["build", "main"]
