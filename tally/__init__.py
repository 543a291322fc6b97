"""Everything with a secret: key ceremony, trustees, the ballot prover, mixers. Knows no database and no Django."""
