(sleep 0.3; echo late; echo later) &
echo early
