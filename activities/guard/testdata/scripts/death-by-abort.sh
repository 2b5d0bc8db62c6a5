ulimit -c 0
kill -ABRT $$
