"""The published result."""
