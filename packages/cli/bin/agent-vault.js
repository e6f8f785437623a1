#!/usr/bin/env sh
":" //; for word do shift; set -- "$@" ".$word"; done; exec node -- "$0" :marked "$@" # Node reads options wherever they are, so no word looks like one.
import "../bundle/main.js";
