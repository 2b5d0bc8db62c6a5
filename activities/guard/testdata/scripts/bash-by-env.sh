#!/usr/bin/env bash
echo ${BASH_VERSION:+bash}
declare -A m=([k]=v); echo ${m[k]}
