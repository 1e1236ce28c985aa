"""Speed and accuracy against yardsticks, as ratios: `python -m benchmarks`."""
