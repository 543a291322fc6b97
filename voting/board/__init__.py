"""The bulletin board: append-only entries that replay accepts, checkpoints, receipts and the archive."""
