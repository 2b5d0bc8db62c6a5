trap
echo none
