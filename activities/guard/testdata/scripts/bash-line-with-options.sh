#!/bin/bash -eu
set -o pipefail
false | true
echo never
