head -c 5 >/dev/null
echo ok
