(printf 'first half '; sleep 0.3; printf 'second half') &
sleep 0.1
