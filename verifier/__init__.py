"""The standalone checker: everything about an election that can be checked without a secret."""

PROTOCOL = "tashika/1"
