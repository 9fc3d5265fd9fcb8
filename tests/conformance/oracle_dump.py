"""What `supervisord --dump-config` should say, from Supervisor 4.3.0's option classes.

`evaluated(path)` reads a file as a start does. Numbers beyond 64 bits are taken for
the largest, of groups or processes with one name the one that counts is kept
(supervisor-compat(7)), and passwords are hidden.
"""

import tempfile

import oracle_config
from supervisor import datatypes, events, loggers, options

HIDDEN = '***'
LEVELS = {number: word for word, number in vars(loggers.LevelsByDescription).items()}


class Options(oracle_config.Options):
    """Keeps what the original forgets: sections, and numbers of processes."""

    def processes_from_section(self, parser, section, group_name, klass=None):
        made = oracle_config.Options.processes_from_section(
            self, parser, section, group_name, klass)
        names = {'here': self.here, 'host_node_name': options.platform.node(),
                 'program_name': section.split(':', 1)[1].strip(), 'group_name': group_name}
        for process in made:
            process.numprocs, process.numprocs_start = (
                int(parser.saneget(section, key, default, expansions=dict(names)))
                for key, default in (('numprocs', 1), ('numprocs_start', 0)))
        self.section_of_list[id(made)] = section
        return made

    def process_groups_from_parser(self, parser):
        self.section_of_list = {}
        groups = oracle_config.Options.process_groups_from_parser(self, parser)
        named = {section.split(':', 1)[1].strip(): section
                 for section in parser.sections() if section.startswith('group:')}
        for group in groups:
            # The list of a [group:x] is made of those of its members.
            section = self.section_of_list.get(id(group.process_configs))
            group.section = section or named[group.name]
        return groups


def number(value):
    if value is None:
        return None
    return max(-oracle_config.BIG, min(oracle_config.BIG - 1, int(value)))


def octal(value):
    return None if value is None else '%03o' % (value & 0o7777)


def owner(uid, gid):
    return {'uid': uid, 'gid': gid}


def socket_owner(pair):
    """From a pair in which -1 is what stays as it is."""
    uid, gid = (None if number == -1 else number for number in pair or (-1, -1))
    return None if uid is None and gid is None else owner(uid, gid)


def logfile(value):
    return 'AUTO' if value is datatypes.Automatic else value or None


def stopsignal(value):
    """The name that 4.3.0 prints, or the number if it has none."""
    name = options.signame(value)
    return name[len('SIG'):] if name.startswith('SIG') else value


def supervisord(config):
    own = config.configroot.supervisord
    dump = {key: getattr(config, key) for key in
            ('logfile', 'pidfile', 'identifier', 'childlogdir', 'directory')}
    for key in ('logfile_maxbytes', 'logfile_backups', 'minfds', 'minprocs'):
        dump[key] = number(getattr(config, key))
    for key in ('nodaemon', 'silent', 'strip_ansi', 'nocleanup'):
        dump[key] = bool(getattr(config, key))
    dump['loglevel'] = LEVELS[config.loglevel]
    dump['umask'] = octal(config.umask if config.umask is not None else own.umask)
    dump['user'] = None if config.uid is None else owner(config.uid, config.gid)
    dump['environment'] = own.environment
    return dump


def server(config):
    username = config['username'] or None
    dump = {'section': config['section'], 'username': username,
            'password': HIDDEN if username else None}
    if 'file' in config:
        dump.update(file=config['file'], chmod=octal(config['chmod']),
                    chown=socket_owner(config['chown']))
    else:
        dump.update(host=config['host'], port=config['port'])
    return dump


def group(config):
    dump = {'name': config.name, 'section': config.section,
            'type': config.section.split(':')[0], 'priority': number(config.priority)}
    if type(config) is options.EventListenerPoolConfig:
        names = [events.getEventNameByType(event) for event in config.pool_events]
        assert config.result_handler.__name__ == 'default_handler', config.result_handler
        dump.update(buffer_size=number(config.buffer_size), events=sorted(names),
                    result_handler='default')
    elif type(config) is options.FastCGIGroupConfig:
        socket = config.socket_config
        is_unix = socket.url.startswith('unix:')
        dump.update(socket=socket.url, socket_backlog=socket.backlog,
                    socket_mode=octal(socket.get_mode()) if is_unix else None,
                    socket_owner=socket_owner(socket.get_owner()) if is_unix else None)
    processes = oracle_config.last_definitions(config.process_configs)
    dump['processes'] = [process(config) for config in processes]
    return dump


def process(config):
    dump = {key: getattr(config, key) for key in
            ('name', 'command', 'directory', 'uid', 'serverurl', 'environment')}
    dump['process_name'] = config.name
    for key in ('numprocs', 'numprocs_start', 'priority', 'startsecs', 'startretries',
                'stopwaitsecs'):
        dump[key] = number(getattr(config, key))
    for key in ('autostart', 'stopasgroup', 'killasgroup', 'redirect_stderr'):
        dump[key] = bool(getattr(config, key))
    dump['umask'] = octal(config.umask)
    dump['autorestart'] = {
        datatypes.RestartUnconditionally: True,
        datatypes.RestartWhenExitUnexpected: 'unexpected',
    }.get(config.autorestart, False)
    dump['exitcodes'] = sorted(config.exitcodes)
    dump['stopsignal'] = stopsignal(config.stopsignal)
    uid = config.uid
    dump['user'] = None if uid is None else owner(uid, datatypes.gid_for_uid(uid))
    for channel in ('stdout', 'stderr'):
        get = lambda key: getattr(config, '%s_%s' % (channel, key))
        dump[channel + '_logfile'] = logfile(get('logfile'))
        for key in ('logfile_maxbytes', 'logfile_backups', 'capture_maxbytes'):
            dump['%s_%s' % (channel, key)] = number(get(key))
        for key in ('events_enabled', 'syslog'):
            dump['%s_%s' % (channel, key)] = bool(get(key))
    return dump


def dump(config):
    first_of_name = {}
    for one in config.process_group_configs:
        first_of_name.setdefault(one.name, one)
    return {
        'supervisord': supervisord(config),
        'servers': [server(one) for one in config.server_configs],
        'groups': [group(one) for one in first_of_name.values()],
    }


def evaluated(path):
    """The dump, and the lines that a start would warn with."""
    tempfile.tempdir = None
    config = oracle_config.realized(path, Options())
    return dump(config), config.parse_warnings
