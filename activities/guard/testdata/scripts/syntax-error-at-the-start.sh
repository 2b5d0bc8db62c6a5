)
echo after
