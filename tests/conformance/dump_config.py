"""Holds `supervisord --dump-config` against Supervisor 4.3.0, value by value.

Usage: dump_config.py SUPERVISORD < FILES
       unshare --mount dump_config.py SUPERVISORD DIRECTORY < FILES

Each file is read from its own directory by 4.3.0's option classes and by the
binary, in the same environment: both must say the same, be it JSON or the error
of a start: on the machine as it is or, with an empty directory, on one that has
all that the files want: users, groups, directories, included files, variables.
They are in a mount namespace of this process, and gone with it (furnish.py). There
--check must warn of what 4.3.0 warns of, and of nothing missing.

Prints how many files there are and how many of them are good, or the differences,
and ends with 1. A missing directory of a program's log, Python plug-ins and
passwords do not count (oracle_config.py, oracle_dump.py).
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import furnish
import oracle_config
from oracle_config import Refused

# Keys that 4.3.0 does not have.
ADDED = {'event_drain_timeout', 'event_max_retry', 'handler_timeout', 'monitor_interval',
         'payload_length', 'busy_warning',
         'readonly', 'readonly_username', 'readonly_password',
         'require_authentication', 'allowed_hosts', 'header_maxbytes',
         'unauthenticated_body_maxbytes', 'body_maxbytes', 'xml_maxdepth', 'multicall_maxcalls',
         'max_connections', 'idle_timeout', 'request_timeout', 'web_get_actions',
         'metrics', 'metrics_processes', 'health_pages',
         'second_signal', 'leftovers', 'exit_on', 'exit_supervisord',
         'restartpause', 'backoffincrement', 'maxbackoff', 'backoff_factor', 'backoff_jitter',
         'restart_limit', 'startdelay', 'depends_on', 'depends_timeout', 'depends_restart',
         'shutdown_timeout',
         'stdout_ring', 'stderr_ring', 'childlog_ring', 'childlogs_maxbytes', 'memory_check_period',
         'statefile',
         'logfile_rotate', 'logfile_chown', 'logfile_chmod',
         'stdout_logfile_rotate', 'stdout_logfile_chown', 'stdout_logfile_chmod',
         'stderr_logfile_rotate', 'stderr_logfile_chown', 'stderr_logfile_chmod',
         'logfile_processor', 'stdout_logfile_processor', 'stderr_logfile_processor',
         'childlog_format', 'stdout_logfile_format', 'stderr_logfile_format', 'logfile_format',
         'stdout_logfile_when_slow', 'stderr_logfile_when_slow', 'syslog_tag', 'syslog_facility',
         'syslog_stdout_priority', 'syslog_stderr_priority',
         'environment_file', 'user_environment',
         'kill_mode', 'cgroup', 'memory_max', 'cpu_max', 'pids_max', 'memory_check',
         'rlimit_nofile', 'rlimit_core', 'rlimit_cpu', 'rlimit_as', 'rlimit_data',
         'rlimit_fsize', 'rlimit_memlock', 'rlimit_nproc', 'rlimit_stack', 'rlimit_nice',
         'rlimit_rtprio', 'nice', 'oom_score_adj', 'no_new_privs', 'prsetpdeathsig', 'supplementary_groups',
         'sockets',
         'type', 'schedule', 'cron', 'runtime_timeout', 'runtime_jitter',
         'pre_start_hook', 'pre_stop_hook', 'stopcommand', 'post_stop_hook', 'fatal_hook',
         'hook_timeout',
         'readiness', 'readiness_timeout', 'readiness_check', 'readiness_check_delay',
         'readiness_check_period', 'readiness_check_timeout',
         'readiness_check_success_threshold', 'readiness_check_failure_threshold',
         'liveness_check', 'liveness_check_delay', 'liveness_check_period',
         'liveness_check_timeout', 'liveness_check_success_threshold',
         'liveness_check_failure_threshold', 'liveness_check_failure_action', 'watchdog',
         'liveness_check_script', 'liveness_check_initial_delay'}

PLAIN = {'HOME': '/home/tester', 'PATH': '/usr/bin:/bin', 'TMPDIR': '/tmp'}


class Comparison:
    def __init__(self, supervisord, environments, furnished):
        self.supervisord = supervisord
        self.environments = environments
        self.furnished = furnished
        self.good = 0

    def differences(self, file):
        environment = self.environments[file]
        read = lambda file: furnish.evaluated(file, environment)
        try:
            (expected, warnings), missing = oracle_config.passing_over(read, file)
        except Refused as refused:
            yield from self.refusals(file, str(refused))
            return
        self.good += 1
        done = self.run(file, '--dump-config')
        if done.returncode != 0 or done.stderr:
            yield 'refused: %s' % done.stderr
            return
        yield from unequal('', json.loads(done.stdout), expected)
        if self.furnished:
            if missing:
                yield 'the directory of a log is still missing'
            yield from self.check(file, warnings)

    def refusals(self, file, message):
        # Keys are named as they are written.
        message = message.replace('Invalid sockchown', 'Invalid chown')
        expected = 'Error: %s\nFor help, use %s -h\n' % (message, self.supervisord)
        for option in ('--dump-config', '--check'):
            done = self.run(file, option)
            # Where the error is, and what to do, may follow.
            if (done.returncode, done.stdout) != (2, '') or not done.stderr.startswith(expected):
                yield '%s\n  ours:  %s\n  4.3.0: %s' % (option, done.stderr, expected)

    def check(self, file, warnings):
        done = self.run(file, '--check')
        told = [line.partition(': warning: ')[2] for line in done.stderr.splitlines()
                if ': note: ' not in line]
        for text in sorted(set(warnings) - set(told)):
            yield 'not told by --check: %s' % text
        for text in told:
            if not text or 'is missing' in text or 'No file matches' in text:
                yield 'wrong in --check: %s' % text
        if done.returncode != 0:
            yield '--check ends with %d' % done.returncode

    def run(self, file, option):
        return subprocess.run(
            [self.supervisord, '-c', os.path.basename(file), option],
            cwd=os.path.dirname(file), env=self.environments[file],
            stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8')


def is_added(path, key):
    """Whether only this program has the key there: members of groups have sockets."""
    return key in ADDED or '.processes' in path and key.startswith('socket')


def unequal(path, ours, expected):
    """The values that differ, by their paths in the JSON."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        keys = ours.keys() | expected.keys()
        for key in sorted(key for key in keys if not is_added(path, key)):
            absent = '(no such key)'
            yield from unequal('%s.%s' % (path, key),
                               ours.get(key, absent), expected.get(key, absent))
    elif isinstance(ours, list) and isinstance(expected, list) and len(ours) == len(expected):
        for index, pair in enumerate(zip(ours, expected)):
            yield from unequal('%s[%d]' % (path, index), *pair)
    elif type(ours) is not type(expected) or ours != expected:
        yield '%s\n  ours:  %s\n  4.3.0: %s' % (path, json.dumps(ours), json.dumps(expected))


def main():
    supervisord, directory = sys.argv[1], sys.argv[2:]
    files = sys.stdin.read().splitlines()
    oracle_config.quiet()
    environments = {file: PLAIN for file in files}
    if directory:
        root, scratch = (os.path.join(directory[0], name) for name in ('root', 'scratch'))
        os.mkdir(root)
        os.mkdir(scratch)
        wants, environments = furnish.wants_of(files, PLAIN, scratch)
        furnish.enter(root, wants)
    comparison = Comparison(supervisord, environments, bool(directory))
    differences = [
        '%s: %s' % (file, difference)
        for file in environments for difference in comparison.differences(file)]
    if differences:
        sys.exit('\n'.join(differences))
    print(len(files), comparison.good)


main()
