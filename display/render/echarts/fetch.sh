#!/bin/sh
# Gets ECharts from npm and writes the files of this folder.
set -eu
version=6.1.0
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack "echarts@$version" >/dev/null
tar xzf "echarts-$version.tgz"
gzip -9 -n -c package/dist/echarts.min.js >"$here/echarts.min.js.gz"
cp package/LICENSE package/NOTICE "$here"
sha256sum package/dist/echarts.min.js
