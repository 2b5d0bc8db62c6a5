exec 2>&-
echo still
ls /nothing
exit 3
