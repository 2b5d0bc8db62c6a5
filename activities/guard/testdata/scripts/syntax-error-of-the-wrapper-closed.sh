}
echo after
