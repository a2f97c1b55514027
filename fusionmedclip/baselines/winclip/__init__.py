"""WinCLIP+: windows against prompts and supports."""
