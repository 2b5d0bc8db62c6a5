exec sh -c 'echo replaced; exit 12'
