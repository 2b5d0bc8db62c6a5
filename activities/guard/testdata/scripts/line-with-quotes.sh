#!/bin/echo it's "quoted" $HOME `id` \ * ;
whatever
