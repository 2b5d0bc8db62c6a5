#!/usr/bin/perl -w
use strict;
my %h = (a => 1, b => 2);
print map { "$_=$h{$_}\n" } sort keys %h;
print while <STDIN>;
die "the end\n";
