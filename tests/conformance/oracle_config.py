"""What Supervisor 4.3.0's own parser makes of configuration files, as text.

Usage: oracle_config.py MODE < JOBS

Each line of JOBS is a file's name; a relative one is read from its directory.
MODE is one of
  lines     sections, keys and values as the line reader leaves them
  start     the evaluated configuration, or the error of a start
  lenient   the same on a system where every directory and every user exists

For every file the dump is printed, then a line with a form feed. tests/config.rs
prints the same dump of the same file and compares. Python plug-ins are left
out; a missing directory of a program's log
is passed over and counted by a first line `missing log directory`.
"""

import os
import sys

from supervisor import datatypes, events, options

BIG = 2 ** 63
NOBODY = 65534
HOST = 'host.example'
STANDARD = 'supervisor.rpcinterface'


class Refused(Exception):
    pass


class Options(options.ServerOptions):
    in_plugins = False

    def usage(self, message):
        raise Refused(str(message))

    def get_plugins(self, *arguments):
        self.in_plugins = True
        try:
            return options.ServerOptions.get_plugins(self, *arguments)
        finally:
            self.in_plugins = False

    def import_spec(self, spec):
        try:
            return options.ServerOptions.import_spec(self, spec)
        except (AttributeError, ImportError):
            if not self.in_plugins:
                raise
            return None


def shown(value):
    if value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, int):
        return str(max(-BIG, min(BIG - 1, value)))
    raise TypeError(value)


def octal(value):
    return 'None' if value is None else '%o' % (value & 0o7777)


def environment(pairs):
    return ' '.join('%s=%s' % (repr(k), repr(v)) for k, v in sorted(pairs.items()))


def logfile(value):
    if value is datatypes.Automatic:
        return 'AUTO'
    return shown(value or None)


def process_lines(process):
    restart = {
        datatypes.RestartUnconditionally: 'true',
        datatypes.RestartWhenExitUnexpected: 'unexpected',
        False: 'false',
    }[process.autorestart]
    yield '  process %s' % repr(process.name)
    for key in ('uid', 'command', 'directory', 'priority', 'autostart',
                'startsecs', 'startretries', 'stopwaitsecs', 'stopasgroup',
                'killasgroup', 'redirect_stderr', 'serverurl'):
        yield '    %s %s' % (key, shown(getattr(process, key)))
    yield '    umask %s' % octal(process.umask)
    yield '    autorestart %s' % restart
    yield '    stopsignal %d' % process.stopsignal
    yield '    exitcodes %s' % ','.join(map(str, process.exitcodes))
    yield '    environment %s' % environment(process.environment)
    for channel in ('stdout', 'stderr'):
        get = lambda key: getattr(process, '%s_%s' % (channel, key))
        yield '    %s %s %s %s %s %s %s' % (
            channel, logfile(get('logfile')), shown(get('logfile_maxbytes')),
            shown(get('logfile_backups')), shown(get('capture_maxbytes')),
            shown(get('events_enabled')), shown(get('syslog')))


def kind_lines(group):
    if type(group) is options.EventListenerPoolConfig:
        names = [events.getEventNameByType(event) for event in group.pool_events]
        yield '  pool %s %s' % (shown(group.buffer_size), ','.join(sorted(names)))
    elif type(group) is options.FastCGIGroupConfig:
        socket = group.socket_config
        mode, owner = None, None
        if socket.url.startswith('unix:'):
            mode, owner = socket.get_mode(), socket.get_owner()
        uid, gid = (None if n == -1 else n for n in owner or (-1, -1))
        yield '  socket %s %s %s %s %s' % (
            repr(socket.url), shown(socket.backlog), octal(mode), shown(uid), shown(gid))


def last_definitions(processes):
    """A group keeps the last process of a name at the first one's place."""
    by_name = {}
    for process in processes:
        by_name[process.name] = process
    return by_name.values()


def config_lines(config):
    own = config.configroot.supervisord
    for key in ('minfds', 'minprocs', 'directory', 'user', 'logfile',
                'logfile_maxbytes', 'logfile_backups', 'loglevel', 'pidfile',
                'identifier', 'childlogdir'):
        yield '%s %s' % (key, shown(getattr(config, key)))
    for key in ('nodaemon', 'silent', 'nocleanup', 'strip_ansi'):
        yield '%s %s' % (key, shown(bool(getattr(config, key))))
    umask = config.umask
    yield 'umask %s' % octal(int(umask, 8) if isinstance(umask, str) else umask)
    yield 'environment %s' % environment(own.environment)
    yield 'become %s %s' % (shown(config.uid), shown(config.gid))
    for name, factory, _ in own.rpcinterface_factories:
        if getattr(factory, '__module__', None) == STANDARD:
            yield 'rpcinterface %s' % repr(name)
    for server in config.server_configs:
        if 'file' in server:
            uid, gid = (None if n == -1 else n for n in server['chown'])
            where = '%s %s %s %s' % (shown(server['file']), octal(server['chmod']),
                                     shown(uid), shown(gid))
        else:
            where = '%s %s' % (shown(server['host']), shown(server['port']))
        login = 'open'
        if server['username']:
            login = '%s %s' % (repr(server['username']), repr(server['password']))
        yield 'server %s %s %s' % (repr(server['section']), where, login)
    names = set()
    for group in config.process_group_configs:
        if group.name in names:
            continue
        names.add(group.name)
        yield 'group %s %s' % (repr(group.name), shown(group.priority))
        yield from kind_lines(group)
        for process in last_definitions(group.process_configs):
            yield from process_lines(process)
    for line in config.parse_warnings:
        yield 'warning %s' % line
    for line in config.parse_infos:
        yield 'info %s' % line


def realized(path, config):
    """The options of a start."""
    config.realize(['-c', path], doc='', progname='PROG')
    if config.server_configs:
        for name, factory, extras in config.configroot.supervisord.rpcinterface_factories:
            if extras and getattr(factory, '__module__', None) == STANDARD:
                raise Refused('Could not make %s rpc interface' % name)
    return config


def evaluated(path):
    return '\n'.join(config_lines(realized(path, Options())))


def passing_over(function, path):
    """The function's answer for a file, and whether a missing directory of a program's
    log was passed over for it. All else counts: then Refused is raised."""
    try:
        return function(path), False
    except Refused as refused:
        message = str(refused)
        if not ('The directory named as part of the path' in message
                and ' in section ' in message):
            raise
    strict = datatypes.existing_dirpath
    datatypes.existing_dirpath = os.path.expanduser
    try:
        return function(path), True
    finally:
        datatypes.existing_dirpath = strict


def start(path):
    try:
        text, missing = passing_over(evaluated, path)
    except Refused as refused:
        return 'Error: %s' % refused
    return 'missing log directory\n' + text if missing else text


def lines(path):
    parser = options.UnhosedConfigParser()
    try:
        with open(path) as file:
            parser.read_file(file)
    except ValueError as error:
        return 'Error: %s' % error
    except options.ConfigParser.ParsingError as error:
        return 'Error: %s' % error
    out = []
    for section in parser.sections():
        out.append('[%s]' % repr(section))
        for key in sorted(parser.options(section)):
            out.append('%s=%s' % (repr(key), repr(parser.get(section, key))))
    return '\n'.join(out)


def lenient():
    known = lambda name: int(name) if name.isdigit() else NOBODY
    datatypes.existing_dirpath = options.existing_dirpath = os.path.expanduser
    options.existing_directory = os.path.expanduser
    datatypes.name_to_uid = options.name_to_uid = known
    datatypes.name_to_gid = known
    options.gid_for_uid = lambda uid: NOBODY
    # The command line table has the checks of before; it is given none here.


def quiet():
    """A search for the file as root would be warned of."""
    options.ServerOptions.warnings = type('Quiet', (), {'warn': staticmethod(lambda text: None)})


def main():
    mode = sys.argv[1]
    # Python sets this one for itself in the C locale.
    os.environ.pop('LC_CTYPE', None)
    options.platform.node = lambda: HOST
    quiet()
    if mode == 'lenient':
        lenient()
    dump = lines if mode == 'lines' else start
    for job in sys.stdin.read().splitlines():
        os.chdir(os.path.dirname(job))
        print(dump(os.path.basename(job)))
        print('\f')


if __name__ == '__main__':
    main()
