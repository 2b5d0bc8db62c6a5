#!/usr/bin/env -S sh -eu
echo "$-" | tr -cd eu
