echo one
echo two
exit 3
