"""Text that is burned into pixels: a fast screen, reading what it finds, painting over it, and looking again."""
