echo x >/dev/full
echo $?
