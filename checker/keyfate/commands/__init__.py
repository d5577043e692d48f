"""What each command does, from file names to texts; no words are read here and nothing is printed."""
