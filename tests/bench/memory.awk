# Lines "memory SERIES PROCESS PSS-KB" to a line for each series: the sum, and of what.

$2 != current { current = $2; order[++series] = current }
$3 == "true" || $3 == "bare" { next }
$4 < 0 { unknown[current] = 1; next }
{ sum[current] += $4; parts[current] = parts[current] (parts[current] == "" ? "" : ", ") $3 " " $4 }

END {
  for (i = 1; i <= series; i++) {
    name = order[i]
    printf "  %-28s %6d KiB  %s%s\n", name, sum[name], parts[name] == "" ? "nothing" : parts[name],
      unknown[name] ? " (and what may not be looked at)" : ""
  }
}
