"""From files to pixels: one reader a format, finite float32 in [0, 1] out of every one."""
