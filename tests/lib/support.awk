# From the rows of tests/unit/field-rows to the manual's table of what is supported: for each object
# the members that are done, then what is ignored or refused, with the reason.

BEGIN { FS = "\t" }

function parent_of(path) { return match(path, /\.[^.]*$/) ? substr(path, 1, RSTART - 1) : "" }
function name_of(path) { sub(/.*\./, "", path); return path }
function escaped(text) { gsub(/-/, "\\-", text); return text }
function heading(path) { return path == "" ? "the configuration" : path }

# an object is its members
$2 == "done" && $3 ~ /object/ { next }
$2 == "done" {
  parent = parent_of($1)
  if (!(parent in members)) order[++objects] = parent
  members[parent] = members[parent] (parent in members && members[parent] != "" ? ", " : "") name_of($1)
  next
}
# so are members of what is refused as a whole
{
  parent = $1
  while ((parent = parent_of(parent)) != "") {
    sub(/(\[\]|\{\})$/, "", parent)
    if (parent in rest) next
  }
  rest[$1] = $6
  left[++lefts] = $1
  support[$1] = $2
}

END {
  for (i = 1; i <= objects; i++) {
    headings = (headings == "" ? "" : headings ", ") heading(order[i])
    # those with the same members stand together
    if (i < objects && members[order[i]] == members[order[i + 1]]) continue
    printf ".TP\n.I %s\n%s\n", escaped(headings), members[order[i]]
    headings = ""
  }
  for (i = 1; i <= lefts; i++)
    if (support[left[i]] == "ignored")
      ignored = ignored sprintf(".TP\n.I %s\nignored: %s\n", escaped(left[i]), escaped(rest[left[i]]))
    else
      refused = refused sprintf(".TP\n.I %s\nrefused: %s\n", escaped(left[i]), escaped(rest[left[i]]))
  printf "%s%s", ignored, refused
}
