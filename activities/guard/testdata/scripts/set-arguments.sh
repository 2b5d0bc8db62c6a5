set -- a 'b c'
echo $# "$2"
shift
echo $1
