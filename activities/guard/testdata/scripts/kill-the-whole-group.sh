echo a
kill -TERM 0
echo never
