touch b a '*' 'x y'
echo *
echo [ab] '*' ?
set -f
echo *
