# Joins the TAP of several programs: counts anew, with one plan at the end. A program that does not
# come to its plan, or to all of its tests, is one failed test more.
function close_plan() {
  if (inside && (planned < 0 || seen != planned)) {
    printf "not ok %d - %d of %d tests came\n", ++total, seen, planned
  }
  inside = 0; planned = -1; seen = 0
}
BEGIN { planned = -1 }
/^1\.\.[0-9]+/ {
  # at the beginning of a program, or at its end
  if (inside && planned < 0) { planned = substr($1, 4) + 0; close_plan(); next }
  close_plan()
  inside = 1; planned = substr($1, 4) + 0
  if (planned == 0 && match($0, /# SKIP.*/)) { printf "ok %d %s\n", ++total, substr($0, RSTART); close_plan() }
  next
}
/^(not )?ok / {
  inside = 1
  seen++
  sub(/ok [0-9]*/, "ok " ++total)
}
{ print }
END { close_plan(); print "1.." total }
