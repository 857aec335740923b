# Lines "parallel SERIES N MS CPU-MS", sorted by series and time, to a table of medians.

function finish() {
  if (n == 0)
    return
  printf "  %-28s %9.1f ms %9.2f ms CPU each\n", current, time[int((n + 1) / 2)], sum / n
  n = sum = 0
}

$2 != current { finish(); current = $2 }
{ time[++n] = $4; sum += $5 / $3 }

END { finish() }
