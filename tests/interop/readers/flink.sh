#!/bin/sh
# Builds on first use (or when a source is newer), then reads tables with Flink SQL as its standard input asks.
set -e
here=$(cd "$(dirname "$0")/flink" && pwd)
if [ ! -d "$here/lib" ] || [ "$here/pom.xml" -nt "$here/lib" ]; then
    rm -rf "$here/lib"
    (cd "$here" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib >&2)
fi
classes="$here/target/classes"
if [ ! -e "$classes/.built" ] || [ -n "$(find "$here/src" -name '*.java' -newer "$classes/.built")" ]; then
    mkdir -p "$classes"
    javac -nowarn -d "$classes" -cp "$here/lib/*" $(find "$here/src" -name '*.java') >&2
    touch "$classes/.built"
fi
export LC_ALL=C.UTF-8 # Java 17 takes the encoding of file names from it.
# --add-opens: as in Flink's own configuration for Java 17.
exec java -Xmx2g --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED \
    --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/java.time=ALL-UNNAMED \
    --add-opens=java.base/java.util.concurrent=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED \
    --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.text=ALL-UNNAMED \
    -Duser.timezone=UTC -Dorg.slf4j.simpleLogger.defaultLogLevel="${LOG:-off}" -cp "$classes:$here/lib/*" interop.FlinkReader
