x=5
cat <<X
x is $x, $(echo y), \$z
X
