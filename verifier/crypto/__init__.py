"""Public mathematics on integers and bytes: no files, no entries, no secrets."""
