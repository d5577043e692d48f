"""The same lifecycle on real bytes: keys, ciphers, places, the attacker's trial decryption."""
