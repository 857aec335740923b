# Lines "rounds SERIES ROUND MS CPU-MS PEAK-KB", sorted by series and time, to a table. Ratios are
# to bubblewrap alone where it is there, else to crun.

function finish(  name) {
  if (n == 0)
    return
  order[++series] = current
  median[current] = n % 2 ? time[(n + 1) / 2] : (time[n / 2] + time[n / 2 + 1]) / 2
  least[current] = time[1]
  cpu[current] = sum / n
  peak[current] = most
  n = sum = most = 0
}

$2 != current { finish(); current = $2 }
{ time[++n] = $4; sum += $5; if ($6 > most) most = $6 }

END {
  finish()
  for (i = 1; i <= series; i++) {
    if (order[i] ~ /^bwrap alone/) base = order[i]
    if (order[i] ~ /(^| )crun( |$)/) crun = order[i]
  }
  if (base == "") base = crun != "" ? crun : order[1]
  printf "  %-36s %9s %9s %9s %7s %9s\n", "", "median ms", "min ms", "CPU ms", "ratio", "peak KiB"
  for (i = 1; i <= series; i++) {
    name = order[i]
    printf "  %-36s %9.2f %9.2f %9.2f %7.2f %9d\n", name, median[name], least[name], cpu[name],
      median[name] / median[base], peak[name]
  }
}
