cat <<END
x
END