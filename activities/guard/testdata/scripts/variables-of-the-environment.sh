echo $A_VARIABLE $LANG
env | grep -vE '^(EHPCFLOW|SHLVL|_|PWD|OLDPWD|HOME)=' | sort
env | sed 's/=.*//' | grep -vx EHPCFLOW | sort
