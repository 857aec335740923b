#!/usr/bin/env bash
# Draws what tests/bench/run.sh measures: a figure (SVG) of the times beside the peers'.
#
#   tests/bench/plot.sh SVG [OPTION OF run.sh...]   measures, then draws
#   tests/bench/plot.sh SVG --from DATA             draws what "run.sh --data DATA" has kept
#
# A bar is the median, the line on it reaches from the first to the third quartile. The machine
# stands below the figure, the command in the file's second line. Needs gnuplot.
set -euo pipefail

here=$(dirname "$0")
svg=${1:?the file to write}
shift
command -v gnuplot >/dev/null || { echo "tests/bench/plot.sh: gnuplot is not installed" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
data=$scratch/data
if [ "${1:-}" = --from ]; then
  data=$2
else
  "$here/run.sh" --data "$data" "$@"
fi

# Of the rounds one row a runtime and step: median and quartiles. Those that are run again, in the
# caller's network namespace, are left out.
awk -F'\t' '!seen[$2, $3]++' "$data" | LC_ALL=C sort -t$'\t' -k2,2 -k4,4n | awk -F'\t' -v OFS='\t' '
  function finish(  step, name) {
    if (n == 0) return
    step = current == "bwrap alone" ? "run" : current
    name = current == "bwrap alone" ? current : substr(current, 1, index(current, " ") - 1)
    sub(/^[^ ]* /, "", step)
    row[name, step] = time[int((n + 1) / 2)] OFS time[int((n + 3) / 4)] OFS time[int((3 * n + 3) / 4)]
    n = 0
  }
  $1 != "rounds" { next }
  $2 != current { finish(); current = $2 }
  { time[++n] = $4 }
  END {
    finish()
    steps = split("run|create, start, delete|exec", step, "|")
    names = split("bwrap alone|bwrap-oci|crun|runc", name, "|")
    for (i = 1; i <= names; i++) {
      printf "%s", (i > 1 ? "\n\n" : "") "# " name[i] "\n"
      for (j = 1; j <= steps; j++)
        if ((name[i], step[j]) in row)
          print (j - 1) + (i - (names + 1) / 2) * 0.2, row[name[i], step[j]]
        else
          print "nan", "nan", "nan", "nan"
    }
  }' >"$scratch/rows"

gnuplot <<GNUPLOT
set terminal svg size 760,360 font "sans-serif,13" background "white"
set output "$svg"
set datafile separator "\t"
set style fill solid 1.0 noborder
set boxwidth 0.18
set xrange [-0.5:2.5]
set yrange [0:*]
set xtics ("run" 0, "create, start, delete" 1, "exec" 2) scale 0
set ylabel "milliseconds"
set ytics nomirror
array name[4] = ["bwrap alone", "bwrap-oci", "crun", "runc"]
set grid ytics linecolor rgb "#dddddd"
set border 2
set key top left reverse Left samplen 1
set label 1 "$(nproc) cores, $(uname -s) $(uname -r | cut -d. -f1,2), an unprivileged user, a program that does nothing; medians with quartiles" at graph 0.5, screen 0.03 center font "sans-serif,11" textcolor rgb "#666666"
set bmargin 4
plot for [i = 0:3] "$scratch/rows" index i using 1:2 with boxes \
       linecolor rgb word("#9aa5b1 #1f6feb #e08e2b #b04a4a", i + 1) \
       title name[i + 1], \
     for [i = 0:3] "$scratch/rows" index i using 1:3:(0):(\$4 - \$3) with vectors \
       nohead linecolor rgb "#333333" linewidth 1.5 notitle
GNUPLOT
# who reads the file finds out how it was made: a comment of XML could not hold two dashes
sed -i "2i <?made-by tests/bench/plot.sh $svg $*?>" "$svg"
echo "$svg"
