# Works for two seconds, then ends with a status of its own.
echo "working"
sleep 2
echo "done"
exit 3
