#!  /bin/sh 	 -eu  
echo "$-" | tr -cd eu
