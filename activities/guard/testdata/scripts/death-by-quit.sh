ulimit -c 0
kill -QUIT $$
