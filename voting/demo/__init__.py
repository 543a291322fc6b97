"""A whole invented election, from key ceremony to verified result, with real cryptography."""
