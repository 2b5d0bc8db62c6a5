sleep 100 & p=$!
kill $p
wait $p 2>/dev/null
echo $?
