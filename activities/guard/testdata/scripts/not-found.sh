no-such-command-at-all
echo $?
no-such-command-at-all
