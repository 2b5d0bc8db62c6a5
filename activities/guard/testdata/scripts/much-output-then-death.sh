yes 0123456789abcdef | head -c 100000
kill -KILL $$
