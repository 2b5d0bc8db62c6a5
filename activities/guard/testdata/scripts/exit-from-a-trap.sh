trap 'echo bye; exit 9' EXIT
exit 2
