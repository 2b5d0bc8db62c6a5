ulimit -c 0
echo a
kill -QUIT 0
echo never
