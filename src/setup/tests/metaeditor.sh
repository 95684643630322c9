#!/bin/sh
# Stands in for metaeditor64.exe. A file "mode" beside the link to it says how it behaves; like the real one it writes its
# log in UTF-16LE, and its exit code means nothing.
here=$(dirname "$0")
mode=$(cat "$here/mode" 2>/dev/null || echo good)
for argument in "$@"; do
    case "$argument" in
    /compile:*) source=${argument#/compile:} ;;
    /log:*) log=${argument#/log:} ;;
    esac
done
program="${source%.mq5}.ex5"

write_log() {
    { printf '\377\376'; printf "%s : information: compiling\r\n$1\r\n" "$source" | iconv -f UTF-8 -t UTF-16LE; } >"$log"
}
build() { printf 'EX5 of %s\n' "$(cksum <"$source")" >"$program"; }

case "$mode" in
good) build; write_log "Result: 0 errors, 0 warnings, 345 msec elapsed, cpu='X64 Regular'" ;;
# What was seen: exit code 1 after a clean compilation with a warning.
warns) build; write_log "FX-Executor.mq5(7,3) : warning 43: possible loss of data\r\nResult: 0 errors, 1 warnings"; exit 1 ;;
# What was seen: exit code 0 after errors. The old program stays.
errors) write_log "C:\\\\Data\\\\FX-Executor.mq5(12,5) : error 256: undeclared identifier 'x'\r\nResult: 1 errors, 0 warnings" ;;
lies) write_log "Result: 0 errors, 0 warnings" ;;
empty) : >"$program"; write_log "Result: 0 errors, 0 warnings" ;;
silent) build ;;
unfinished) build; write_log "information: generating code 10%%" ;;
hangs) exec sleep 600 ;;
*) echo "unknown mode $mode" >&2; exit 9 ;;
esac
