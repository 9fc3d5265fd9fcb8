# Does not listen to SIGTERM.
trap 'echo "no"' TERM
while :; do
    sleep 1
done
