printf '\n\n\n'
