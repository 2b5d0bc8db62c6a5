cd "$(dirname "$0")" && echo there
