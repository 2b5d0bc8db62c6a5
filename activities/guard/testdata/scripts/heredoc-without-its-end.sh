cat <<X
line
