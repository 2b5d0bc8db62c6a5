(echo x >&9) 2>/dev/null || echo closed
