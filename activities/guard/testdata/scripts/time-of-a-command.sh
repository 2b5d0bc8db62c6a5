{ time -p true; } 2>&1 | sed 's/[0-9.]*$//'
