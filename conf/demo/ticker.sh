# Writes a line a second until it is told to end.
trap 'echo "told to end"; exit 0' TERM
count=0
while :; do
    count=$((count + 1))
    echo "tick $count"
    sleep 1
done
