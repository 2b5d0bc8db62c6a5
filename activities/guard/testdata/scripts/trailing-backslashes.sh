echo 'a\\' \\\
