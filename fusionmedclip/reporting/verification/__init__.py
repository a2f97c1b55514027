"""Every figure of finished results met again, and every file that was altered, deleted or added named."""
