# Completion of supervisorctl for fish: the program itself says what may come next.

function __supervisorctl_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    $program completion words $words "$word" 2>/dev/null
end

complete -c supervisorctl -f -a '(__supervisorctl_words)'
complete -c supervisorctl -s c -l configuration -r -F -d 'Configuration file'
complete -c supervisorctl -s r -l history_file -l history-file -r -F -d 'History file'
