"""Dumps configurations, writes a configuration from the dump's values, and dumps that.

Usage: roundtrip.py SUPERVISORD < FILES

Both dumps must be equal but for what is lost on the way: every process gets a
section of its own (numprocs, numprocs_start, the kind and section of its group),
and passwords are not dumped. Prints how many files made the round, or fails
with the first difference.
"""

import json
import os
import subprocess
import sys
import tempfile

LOST = ('section', 'type', 'numprocs', 'numprocs_start', 'processes')
ONCE = str.maketrans({'%': '%%'})


def dump(supervisord, path):
    words = [supervisord, '-c', path, '--dump-config']
    done = subprocess.run(words, capture_output=True, text=True, cwd=os.path.dirname(path))
    return json.loads(done.stdout) if done.returncode == 0 else None


def value(key, value):
    """A value as it stands in a file; None where no text gives it."""
    if key == 'environment':
        pairs = ('%s="%s"' % pair for pair in value.items())
        text = ','.join(pairs)
    elif isinstance(value, dict):
        text = '%s:%s' % (value['uid'], value['gid'])
    elif isinstance(value, bool):
        text = 'true' if value else 'false'
    elif isinstance(value, list):
        text = ','.join(map(str, value))
    else:
        text = str(value)
    return text.translate(ONCE).replace('\n', '\n  ')


def lines(section, members, twice=()):
    yield '[%s]' % section
    for key, raw in members.items():
        if raw is None and key in ('stdout_logfile', 'stderr_logfile'):
            raw = 'NONE'
        if raw is None or key in LOST or key in ('name', 'uid', 'host') or raw == '***':
            continue
        text = value(key, raw)
        yield '%s=%s' % (key, text.translate(ONCE) if key in twice else text)


def written(config):
    own = dict(config['supervisord'])
    yield from lines('supervisord', own, ('environment',))
    for server in config['servers']:
        server = dict(server, username=None)
        if 'port' in server:
            server['port'] = '%s:%d' % (server['host'], server['port'])
        yield from lines(server['section'], server)
    for number, group in enumerate(config['groups']):
        names = []
        for index, process in enumerate(group['processes']):
            names.append('m%d_%d' % (number, index))
            yield from lines('program:' + names[-1], process, ('stdout_logfile', 'stderr_logfile'))
        yield '[group:%s]' % group['name']
        yield 'priority=%d' % group['priority']
        yield 'programs=%s' % ','.join(names)


def comparable(config):
    servers = [dict(s, username=None, password=None) for s in config['servers']]
    groups = []
    for group in config['groups']:
        kept = {key: group[key] for key in ('name', 'priority')}
        processes = [{k: v for k, v in p.items() if k not in LOST} for p in group['processes']]
        groups.append(dict(kept, processes=processes))
    return {'supervisord': config['supervisord'], 'servers': servers, 'groups': groups}


def main():
    count = 0
    for path in sys.stdin.read().splitlines():
        first = dump(sys.argv[1], path)
        if first is None:
            continue
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write('\n'.join(written(first)) + '\n')
            file.flush()
            second = dump(sys.argv[1], file.name)
        if second is None or comparable(first) != comparable(second):
            print(json.dumps(comparable(first), indent=1, sort_keys=True))
            print(json.dumps(second and comparable(second), indent=1, sort_keys=True))
            sys.exit('%s does not come back' % path)
        count += 1
    print(count)


main()
