# Completion of supervisorctl for bash: the program itself says what may come next.

# Sets REPLY to a word without its quotes, of which the last may be open.
_supervisorctl_unquoted() {
    local text=$1 quote='' character
    REPLY=''
    while [[ -n $text ]]; do
        character=${text:0:1}
        text=${text:1}
        case $quote$character in
            \" | \') quote=$character ;;
            \"\" | \'\') quote='' ;;
            \\ | \"\\)
                REPLY+=${text:0:1}
                text=${text:1}
                ;;
            *) REPLY+=$character ;;
        esac
    done
}

# Offers the files whose names begin so, behind what stands before them.
_supervisorctl_files() {
    local file
    compopt -o filenames
    while IFS= read -r file; do
        file=$2$file
        COMPREPLY+=("${file#"$kept"}")
    done < <(compgen -f -- "$1")
}

_supervisorctl() {
    local line=$COMP_LINE program piece word kept REPLY i
    local -a words=()
    # bash takes words apart at colons and equals signs; what no blank stands between
    # belongs together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        _supervisorctl_unquoted "$piece"
        if ((i)) && [[ $line != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+=$REPLY
        else
            words+=("$REPLY")
        fi
        line=${line#"${line%%[![:blank:]]*}"}
        line=${line#"$piece"}
    done
    word=${words[${#words[@]} - 1]}
    # Only the last piece is replaced, and of a separator nothing.
    [[ $piece == [:=] ]] && REPLY=''
    kept=${word%"$REPLY"}
    _supervisorctl_unquoted "$1"
    program=$REPLY
    if [[ $program =~ ^(~[[:alnum:]_.-]*)/ ]]; then
        eval "program=${BASH_REMATCH[1]}/\${program#*/}"
    fi
    COMPREPLY=()
    case ${words[${#words[@]} - 2]} in
        -c | --configuration | -r | --history_file | --history-file)
            _supervisorctl_files "$word" ''
            return
            ;;
    esac
    case $word in
        --configuration=* | --history_file=* | --history-file=*)
            _supervisorctl_files "${word#*=}" "${word%%=*}="
            return
            ;;
    esac
    while IFS= read -r piece; do
        [[ $piece == */ ]] && compopt -o nospace
        piece=${piece#"$kept"}
        # A name is a word and nothing that bash does.
        [[ $piece == *[[:space:]$'$`"\'\\;&|<>(){}!#~']* ]] && printf -v piece %q "$piece"
        COMPREPLY+=("$piece")
    done < <("$program" completion words "${words[@]:1}" 2>/dev/null)
}

complete -F _supervisorctl supervisorctl
