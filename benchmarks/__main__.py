"""Measure every row, print bar, measured and verdict; exit with 1 on a missed bar.

`python -m benchmarks` measures all rooms and writes `benchmarks/results.md`;
`python -m benchmarks markov queueing` measures these rooms only and writes nothing.
"""

import sys

from benchmarks.harness import main

sys.exit(main(sys.argv[1:]))
