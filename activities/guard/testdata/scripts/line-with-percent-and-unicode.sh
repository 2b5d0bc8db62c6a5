#!/bin/echo 100%% grüße 世界
whatever
