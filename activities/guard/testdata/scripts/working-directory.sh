[ "$PWD" = "$(pwd -P)" ] && echo same
basename "$PWD"
ls -a
