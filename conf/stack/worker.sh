# Takes jobs from the list `jobs` of the cache, one after the other, until that goes.
trap 'exit 0' TERM
echo "worker $1 is ready"
while job=$(redis-cli -s cache.sock blpop jobs 1); do
  test -z "$job" || echo "worker $1 has done $job"
done
# Without its cache a worker has not done its work: it is started again with it.
exit 1
