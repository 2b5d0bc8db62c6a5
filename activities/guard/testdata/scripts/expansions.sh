x=/a/b.tar.gz
echo ${x##*/} ${x%%.*} ${x#/} ${x%.gz} ${y:-default} ${y:=set} $y ${y:+alt} ${#x}
