echo one   	 
   
	
