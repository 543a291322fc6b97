"""The count."""
