# fish completion for bwrap-oci(1)
#
# Commands, options and the words that an option takes are read from the program's own help, so
# that they cannot be others than the program's. What stands here is what a word in capitals
# there stands for (DIR, FILE, SIGNAL), and in which states a command takes a container.

# Rows of a help text: LONG, SHORT, what the value is called, the text; tabs between.
function __bwrap_oci_rows
    $argv --help 2>/dev/null | string replace -rf \
        '^ +(?:(-[A-Za-z]), )? *(--[a-z0-9-]+)(?: ([^ ]+))?  +(.*)$' '$2\t$1\t$3\t$4'
end

# Containers that command $argv[1] can act on; the words before stand in $argv[2..].
function __bwrap_oci_ids
    set -l states '.*'
    switch $argv[1]
        case start
            set states created
        case exec pause
            set states 'created|running'
        case kill ps events update
            set states 'created|running|paused'
        case resume
            set states paused
        case delete
            contains -- --force $argv; or contains -- -f $argv; or set states 'created|stopped'
        case run create
            return
    end
    set -l at (contains -i -- --root $argv)
    set -l root (string replace -rf '^--root=' '' -- $argv)
    if test -n "$at"
        set root $argv[(math $at + 1)]
    end
    set -l option
    test -z "$root"; or set option --root=(string replace -r '^~' $HOME -- $root)
    $__bwrap_oci_program $option list 2>/dev/null |
        awk -v states="^($states)\$" 'NR > 1 && $3 ~ states { print $1 "\t" $3 }'
end

# Folders, and of those the bundles alone where there are some.
function __bwrap_oci_bundles
    set -l folders (__fish_complete_directories $argv[1] '')
    set -l bundles
    for folder in $folders
        set -l path (string replace -r '^~' $HOME -- (string split -f 1 \t -- $folder))
        test -e $path/config.json; and set -a bundles $folder
    end
    if test -n "$bundles"
        printf '%s\n' $bundles
    else
        printf '%s\n' $folders
    end
end

# What a value called $argv[1] of command $argv[2] can be; $argv[3] is the option, $argv[4] its
# text in the help, $argv[5] what has been typed of it.
function __bwrap_oci_value
    switch $argv[1]
        case BUNDLE
            __bwrap_oci_bundles $argv[5]
        case DIR
            if contains -- $argv[2] run create; and contains -- $argv[3] --bundle -b
                __bwrap_oci_bundles $argv[5]
            else
                __fish_complete_directories $argv[5] ''
            end
        case FILE PATH
            __fish_complete_path $argv[5]
        case SIGNAL
            __fish_make_completion_signals
            for signal in $__kill_signals
                set -l words (string split ' ' -- $signal)
                if string match -q 'SIG*' -- $argv[5]
                    echo SIG$words[2]
                else
                    echo $words[2]
                end
            end
        case CAP
            $__bwrap_oci_program features 2>/dev/null | string match -rag '(CAP_[A-Z0-9_]+)'
        case CMD
            test $argv[2] = exec; or complete -C "$argv[5]"
        case '*'
            string match -rag '"([^"]*)"' -- $argv[4]
    end
end

# Candidates for the word that is being typed.
function __bwrap_oci_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -g __bwrap_oci_program (string replace -r '^~' $HOME -- $typed[1])
    set -l rows (__bwrap_oci_rows $__bwrap_oci_program) (__bwrap_oci_rows $__bwrap_oci_program run)
    set -l command ''
    set -l arguments
    set -l count 0
    set -l option ''
    # by regular expression: in fish 4, "?" is no wildcard
    for word in $typed[2..]
        if test -n "$option"
            set option ''
        else if string match -qr -- '^-.' $word
            set option (printf '%s\n' $rows | awk -F\t -v word=$word '($1 == word || $2 == word) && $3 != "" { print; exit }')
        else if test -z "$command"
            set command $word
            set rows (__bwrap_oci_rows $__bwrap_oci_program $command)
            set arguments ($__bwrap_oci_program $command --help 2>/dev/null | string replace -rf \
                '^Usage: .*\[OPTION\.\.\.\] *' '' | string replace -ra '\[|\]|\.\.\.' '' | string split ' ')
        else
            set count (math $count + 1)
        end
    end
    set -l name (string match -rg '^(--[a-z0-9-]+)=' -- $current)
    if test -n "$name"
        set option (printf '%s\n' $rows | awk -F\t -v word=$name '$1 == word && $3 != "" { print; exit }')
        set current (string replace -r '^[^=]*=' '' -- $current)
    end
    test -n "$command"; and set -l of $command; or set -l of run
    if test -n "$option"
        set -l columns (string split \t -- $option)
        for word in (__bwrap_oci_value $columns[3] $of $columns[1] "$columns[4]" "$current")
            test -n "$name"; and echo $name=$word; or echo $word
        end
    else if string match -q -- '-*' $current; and test $count = 0
        printf '%s\n' $rows | awk -F\t '{ print $1 "\t" $4; if ($2 != "") print $2 "\t" $4 }'
    else if test -z "$command"
        $__bwrap_oci_program --help 2>/dev/null | string match -rg '^  ([a-z][a-z-]* +.*)$' |
            string replace -r ' +' \t
    else if set -q arguments[(math $count + 1)]
        set -l kind $arguments[(math $count + 1)]
        switch $kind
            case ID
                __bwrap_oci_ids $command $typed
            case 'ID|BUNDLE'
                __bwrap_oci_ids $command $typed
                __bwrap_oci_bundles "$current"
            case '*'
                __bwrap_oci_value $kind $command '' '' "$current"
        end
    end
end

complete -c bwrap-oci -f -a '(__bwrap_oci_complete)'
