"""Test vectors that this implementation and the browser's share."""
