#!/bin/cat
this is 'not' a $script
END
