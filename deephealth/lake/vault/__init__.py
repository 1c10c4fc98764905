"""The encrypted vault: keys, who is behind a pseudonym, consent. It lies outside the lake and holds ciphertext only."""
