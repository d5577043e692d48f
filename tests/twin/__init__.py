"""The twin: lifecycles on real bytes, against vectors, against the interpreter, against themselves."""
