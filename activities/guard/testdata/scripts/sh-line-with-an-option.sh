#!/bin/sh -e
echo a
false
echo never
