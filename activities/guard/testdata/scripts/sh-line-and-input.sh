#!/bin/sh
read -r a; echo "[$a]"; cat
