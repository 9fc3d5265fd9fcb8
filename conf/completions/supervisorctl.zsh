#compdef supervisorctl
# Completion of supervisorctl for zsh: the program itself says what may come next.

_supervisorctl() {
    local -a found
    case ${words[CURRENT-1]} in
        -c | --configuration | -r | --history_file | --history-file)
            _files
            return
            ;;
    esac
    case $PREFIX in
        --configuration=* | --history_file=* | --history-file=*)
            compset -P '*='
            _files
            return
            ;;
    esac
    found=("${(@f)$(${(Q)~words[1]} completion words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    # A URL goes on after its scheme.
    compadd -S '' -- ${(M)found:#*/}
    compadd -- ${${found:#*/}:#}
}

if [[ ${funcstack[1]} == _supervisorctl ]]; then
    _supervisorctl "$@"
else
    compdef _supervisorctl supervisorctl
fi
