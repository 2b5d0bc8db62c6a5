(sleep 0.3; echo unseen) >/dev/null 2>&1 </dev/null &
echo early
