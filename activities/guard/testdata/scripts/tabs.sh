	echo one
	cat <<-X
		two
	X
