echo a
sleep 0.1
echo b
