# Counts a TAP log: shows what failed or was skipped and why, and writes
# "PASSED FAILED SKIPPED" to the file `out`. A skip whose reason does not begin with "machine:" is a failure
# where require is "all"; a missing result, or a status that no result explains, always is.
#
# Newer GLib nests its results: the line that closes a group repeats what was counted.

function problem(title) {
  printf "   not ok: %s: %s\n", name, title
  failed++
}

function flush_notes() {
  for (i = 0; i < n_notes; i++)
    print "      " notes[i]
  n_notes = 0
}

/^ *1\.\.[0-9]+/ {
  match($0, /^ */)
  if (RLENGTH == 0) { text = $0; sub(/^1\.\./, "", text); planned = text + 0; has_plan = 1 }
  else closing = 1
  if (/# *[Ss][Kk][Ii][Pp]/ && planned == 0) { skipped++; reason = $0 }
  next
}

/^ *(not )?ok( |$)/ {
  match($0, /^ */)
  if (RLENGTH == 0) seen++
  if (closing && RLENGTH < depth) { closing = 0; depth = RLENGTH; next }
  depth = RLENGTH
  pending = 0
  if ($0 ~ /^ *not ok/ && $0 !~ /# *TODO/) {
    flush_notes()
    problem($0)
    pending = 1
  } else if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) {
    reason = $0
    sub(/.*# *[Ss][Kk][Ii][Pp][a-zA-Z]* */, "", reason)
    sub(/^\(/, "", reason)
    if (require == "all" && reason !~ /^machine:/) problem("skipped: " $0)
    else { skipped++; printf "   skipped: %s: %s\n", name, $0 }
  } else
    passed++
  n_notes = 0
  next
}

/^Bail out!/ { problem($0) }

{
  if (pending) print "      " $0
  else { notes[n_notes++ % 40] = $0; if (n_notes > 40) n_notes = 40 }
}

END {
  if (has_plan && seen < planned) {
    flush_notes()
    problem((planned - seen) " of " planned " did not run")
  } else if (!has_plan && seen == 0) {
    flush_notes()
    problem("no result (exit status " status ")")
  } else if (status != 0 && failed == 0) {
    flush_notes()
    problem("exit status " status)
  }
  printf "%d %d %d\n", passed, failed, skipped > out
}
