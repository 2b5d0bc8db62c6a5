echo a
kill -INT 0
echo never
