(exit 4)
echo $?
x=$(echo y; exit 5)
echo $x $?
