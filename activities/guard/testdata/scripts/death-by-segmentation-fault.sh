ulimit -c 0
kill -SEGV $$
