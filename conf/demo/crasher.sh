# Lives long enough to count as started, then fails.
echo "started"
sleep 5
echo "crashing"
exit 1
