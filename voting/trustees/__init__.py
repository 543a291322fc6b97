"""The page of the trustees."""
