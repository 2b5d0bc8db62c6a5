printf 'b\na\n' | sort | tr a-z A-Z
false | true
echo $?
