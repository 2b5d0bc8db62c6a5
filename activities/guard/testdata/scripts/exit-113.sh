echo refused?
exit 113
