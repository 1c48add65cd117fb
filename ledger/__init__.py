"""What was said, in order, provably. Imports only ``identity``."""
