echo ~ | sed "s|^$HOME$|home|"
