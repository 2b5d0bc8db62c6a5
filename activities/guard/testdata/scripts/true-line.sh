#!/bin/true
whatever
