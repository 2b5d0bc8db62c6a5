#!/bin/bash
set -o pipefail
false | true; echo $?
diff <(echo a) <(echo b)
