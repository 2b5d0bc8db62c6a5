echo a
return 6
echo b
