for d in 1; do cat <<END; cat <<END.; cat <<END..
a
END
b
END.
c
END..
done
