x=$(yes 0123456789 | head -n 2000)
echo ${#x}
