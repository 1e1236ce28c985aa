"""Build the site: `python -m hamodel.course.site --help`."""

import sys

from hamodel.course.site import main

sys.exit(main())
