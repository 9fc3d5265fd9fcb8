#!/bin/sh
# `make flaky`: runs the tests RUNS times, in turn with every processor kept busy and on one processor
# alone, and says which failed how often. TESTS are names or parts of them, as for cargo test; none is all.
# What the runs print is in target/flaky.

RUNS=${RUNS:-10}
CARGO=${CARGO:-cargo}
RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}
export RUST_TEST_THREADS
logs=target/flaky
busy=

rest() {
  [ -z "$busy" ] || kill $busy 2>/dev/null
  busy=
}
trap rest EXIT
trap 'exit 130' INT TERM

# Two loops for each processor, so that a test gets a third of it at best.
keep_busy() {
  for _ in $(seq $((2 * $(nproc)))); do
    sh -c 'while :; do :; done' &
    busy="$busy $!"
  done
}

rm -rf "$logs" && mkdir -p "$logs" || exit 1
"$CARGO" test --no-run || exit 1
first=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
for run in $(seq "$RUNS"); do
  log=$logs/$run.log
  if [ $((run % 2)) = 1 ]; then
    manner="busy processors"
    keep_busy
    "$CARGO" test --no-fail-fast -- $TESTS >"$log" 2>&1
  else
    manner="one processor"
    taskset -c "$first" "$CARGO" test --no-fail-fast -- $TESTS >"$log" 2>&1
  fi
  status=$?
  rest
  echo "run $run of $RUNS, $manner: $([ $status = 0 ] && echo good || echo "failed, see $log")"
  [ $status = 0 ] || sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" >>"$logs/failed"
  # A run that ends before its tests do has failed, too.
  [ $status = 0 ] || grep -q '^test .* FAILED$' "$log" || echo "run $run as a whole" >>"$logs/failed"
done
[ ! -e "$logs/failed" ] && exit 0
echo "failed, how often:" && sort "$logs/failed" | uniq -c | sort -rn
exit 1
