x='echo a; echo "b  c"'
eval "$x"
eval 'exit 8'
