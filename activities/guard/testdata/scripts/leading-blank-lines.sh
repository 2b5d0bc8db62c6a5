

   
	echo after
