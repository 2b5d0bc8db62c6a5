END 2>/dev/null
echo $?
