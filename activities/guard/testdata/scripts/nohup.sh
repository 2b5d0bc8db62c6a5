nohup sh -c 'sleep 0.1; echo late' &
wait
