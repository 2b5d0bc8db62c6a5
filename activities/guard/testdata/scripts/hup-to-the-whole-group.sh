echo a
kill -HUP 0
echo never
