echo before
eval ')' 2>/dev/null
echo after $?
