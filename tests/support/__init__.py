"""What several test files use: second roads, harnesses, guards; no tests."""
