#!/bin/sh
# Starts nginx as process 1. A killed nginx leaves its proof socket on the volume, where the next one could not bind. Nobody else can
# listen there: this is the first process of the namespace.
rm -f /run/nxmesh/proof/*.sock
exec nginx -g 'daemon off;'
