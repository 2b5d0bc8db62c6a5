yes 0123456789abcdef | head -c 300000
