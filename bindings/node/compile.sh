#!/bin/sh
# Compiles the package. What it needs (Koffi, the TypeScript compiler) is fetched by npm where it is not there, and kept in
# build/bindings/npm-cache; exits with 3, and the reason, where npm cannot.
cd "$(dirname "$0")" || exit 1
npm_config_cache=$(cd ../.. && pwd)/build/bindings/npm-cache
export npm_config_cache
if ! npm ls >/dev/null 2>&1 && ! said=$(npm ci --prefer-offline --ignore-scripts --no-fund --no-audit 2>&1); then
	echo "npm could not fetch what the package needs: $(echo "$said" | grep -m1 'npm error')"
	exit 3
fi
exec npx tsc -p .
