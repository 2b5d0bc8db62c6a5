exec >&-
echo lost
exit 3
