setsid sh -c 'sleep 0.2; echo late' &
echo early
exit 4
