# Completion of supervisorctl for bash: the program itself says what may come next.

_supervisorctl() {
    local line=$COMP_LINE piece word i
    local -a words=()
    # bash takes words apart at colons; what no blank stands between belongs together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i)) && [[ $line != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+=$piece
        else
            words+=("$piece")
        fi
        line=${line#"${line%%[![:blank:]]*}"}
        line=${line#"$piece"}
    done
    word=${words[${#words[@]} - 1]}
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -c | --configuration | -r | --history_file)
            compopt -o filenames
            while IFS= read -r piece; do COMPREPLY+=("$piece"); done < <(compgen -f -- "$word")
            return
            ;;
    esac
    while IFS= read -r piece; do
        [[ $piece == */ ]] && compopt -o nospace
        # Only what follows the last colon is replaced.
        [[ $COMP_WORDBREAKS == *:* ]] && piece=${piece#"${word%"${word##*:}"}"}
        COMPREPLY+=("$piece")
    done < <("$1" completion words "${words[@]:1}" 2>/dev/null)
}

complete -F _supervisorctl supervisorctl
