echo "$0"
wc -c <"$0"
head -n 1 "$0"
