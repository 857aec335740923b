# What zsh offers at the end of each LINE when tab is pressed, one a line, for complete.sh:
#
#   zsh -f complete.zsh FOLDER LINE...
#
# zsh completes on a terminal only: another one runs there, with the functions of FOLDER, whose
# compadd prints what it is given. In a test, what the first one finds in the folders is kept.
zmodload zsh/zpty
dump=(-D)
[[ -z $BATS_RUN_TMPDIR ]] || dump=(-d "$BATS_RUN_TMPDIR/zcompdump")
zpty shell zsh -f -i
send() { zpty -w shell "$1" }

send 'PROMPT= RPROMPT= PS2=; stty -echo; unset zle_bracketed_paste; unsetopt prompt_cr prompt_sp'
send "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u ${(q)dump}; zmodload zsh/zutil"
send 'setopt no_auto_list no_auto_menu'
# one that asks for what matches (-O and the like) is not an offer
send 'compadd() {
  if (( ! ${@[(I)-[ODA]]} )); then
    local -a _offered
    builtin compadd -O _offered "$@"
    (( $#_offered )) && print -rl -- "<"${^_offered}">"
  fi
  builtin compadd "$@"
}'
send 'say-end() { print -r -- "--end--"; zle kill-whole-line }; zle -N say-end'
send 'bindkey "^I" complete-word; bindkey "^X^X" say-end'
send 'print -r -- "--$((1 + 1))--"'
zpty -r shell text '*--2--*'
for line in "${@[2,-1]}"; do
  zpty -w -n shell $line$'\t\x18\x18'
  zpty -r shell text '*--end--*'
  print -r -- "LINE $line"
  print -r -- "$text"
done
zpty -d shell
