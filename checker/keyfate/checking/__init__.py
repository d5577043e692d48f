"""From a policy to verdicts: every property through engine, certifier and twin."""
