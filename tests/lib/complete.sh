# What a shell offers when tab is pressed; sourced.
#
# completions is the folder with the scripts for the shells; bwrap-oci is found in PATH.
# shellcheck shell=bash
completions=${completions:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../completions" && pwd)}

# offered SHELL LINE...: what SHELL offers at the end of each LINE, as "LINE:WORD", sorted. The
# last word of a line is the one that is being typed: with a space at the end it is empty.
offered() { "offered_$1" "${@:2}" | sort -u; }

# candidates SHELL LINE: the words alone, of a line without a colon.
candidates() { offered "$1" "$2" | sed 's/^[^:]*://'; }

offered_bash() {
  # shellcheck disable=SC2016  # for the shell that is started
  bash --norc --noprofile -c '
    . "$1/bwrap-oci"
    for line in "${@:2}"; do
      # as readline has it, which parts words at "="
      read -ra typed <<<"${line/=/ = }"
      [[ $line != *" " ]] || typed+=("")
      COMP_WORDS=("${typed[@]}") COMP_CWORD=$((${#typed[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
      _bwrap_oci bwrap-oci
      [ ${#COMPREPLY[@]} = 0 ] || printf "$line:%s\n" "${COMPREPLY[@]}"
    done' bash "$completions" "$@"
}

offered_fish() {
  # shellcheck disable=SC2016
  fish --no-config --private -c '
    source $argv[1]/bwrap-oci.fish
    for line in $argv[2..]
      for word in (complete -C $line)
        echo $line:$word
      end
    end' "$completions" "$@" | cut -f1
}

offered_zsh() {
  timeout 60 zsh -f "${BASH_SOURCE[0]%.sh}.zsh" "$completions" "$@" </dev/null |
    tr -d '\r' | awk -F '[<>]' '/^LINE / { line = substr ($0, 6) } NF > 2 { print line ":" $(NF - 1) }'
}
