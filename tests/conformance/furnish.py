"""What configuration files want of a machine, and a machine that has it.

`wants_of` reads files with Supervisor 4.3.0 on a system where everything exists, and
notes what is asked for: users, groups, directories, included files and, from the
errors, environment variables.

`enter` makes it: in the mount namespace of this process, which `unshare --mount` made
(with --map-root-user where nobody is root), it builds a root directory out of
the real one's parts, in memory where something is to be added, and goes there.
"""

import ctypes
import glob
import grp
import os
import pwd
import re
import types

import oracle_dump
from oracle_config import NOBODY, Refused
from supervisor import datatypes, options

FIRST_ID = 20001
UNCHANGED = ('/proc/', '/sys/', '/dev/')
INCLUDED = '''[program:%s]
command=/bin/cat "%%(here)s/%%(program_name)s"
stdout_logfile=%%(here)s/%%(program_name)s.log
'''
WHOLE = '''[supervisord]
logfile=%%(here)s/main.log
[include]
files=%s
'''


class Wants:
    def __init__(self):
        self.users, self.groups, self.directories, self.files = set(), set(), set(), {}

    def directory(self, path):
        path = os.path.realpath(path)
        if not os.path.isdir(path) and not path.startswith(UNCHANGED):
            self.directories.add(path)

    def include(self, pattern):
        """A file that the pattern matches."""
        path = re.sub(r'\[(.)[^]]*\]', r'\1', pattern)
        path = os.path.realpath(path.replace('*', 'included').replace('?', 'x'))
        if not path.startswith(UNCHANGED):
            self.directory(os.path.dirname(path))
            self.files.setdefault(path, INCLUDED % ('included_%d' % len(self.files)))


def wants_of(files, environment, scratch):
    """All that the files want, and the whole environment for each of them. A part of a
    configuration is read by way of a whole one, which is written to `scratch`."""
    wants, environments = Wants(), {}
    with everything_exists(wants):
        for file in files:
            if not is_whole(file, environment):
                part, file = file, os.path.join(scratch, os.path.basename(file))
                with open(file, 'w') as whole:
                    whole.write(WHOLE % part)
            environments[file] = variables_of(file, environment)
    return wants, environments


def is_whole(file, environment):
    try:
        evaluated(file, environment)
    except Refused as refused:
        return 'does not include supervisord section' not in str(refused)
    return True


class everything_exists:
    """The system of the option classes, which notes what it is asked for."""

    def __init__(self, wants):
        def directory(path):
            wants.directory(os.path.expanduser(path))
            return os.path.expanduser(path)

        def file(path):
            found = os.path.expanduser(path)
            if os.path.dirname(found):
                wants.directory(os.path.dirname(found))
            return found

        def user(name):
            wants.users.add(name)
            return NOBODY

        def group(name):
            wants.groups.add(name)
            return NOBODY

        def found(pattern):
            matches = glob.glob(pattern)
            if not matches:
                wants.include(pattern)
            return matches

        self.changes = [
            (datatypes, 'existing_dirpath', file), (options, 'existing_dirpath', file),
            (options, 'existing_directory', directory),
            (datatypes, 'name_to_uid', user), (options, 'name_to_uid', user),
            (datatypes, 'name_to_gid', group),
            (datatypes, 'gid_for_uid', lambda uid: NOBODY),
            (options, 'gid_for_uid', lambda uid: NOBODY),
            (options, 'glob', types.SimpleNamespace(glob=found)),
        ]

    def __enter__(self):
        self.before = [(at, name, getattr(at, name)) for at, name, _ in self.changes]
        for at, name, value in self.changes:
            setattr(at, name, value)

    def __exit__(self, *_):
        for at, name, value in self.before:
            setattr(at, name, value)


def variables_of(file, environment):
    """The environment with which a file can be read, if there is one."""
    for values in (['/srv/100% of (%s)'], []):
        found, is_good = tried(file, environment, values + ['/srv/%s', '%s', '2', '1', 'info'])
        if is_good:
            break
    return found


def tried(file, environment, values):
    """An environment in which each variable that is missing has the first value with
    which the reading comes further; and whether all could be read."""
    environment, left = dict(environment), {}
    while True:
        try:
            evaluated(file, environment)
            return environment, True
        except Refused as refused:
            error = str(refused)
        missing = re.search(r"contains names \('ENV_(.*?)'\) which cannot", error)
        if missing:
            name = missing.group(1)
            left[name] = [value.replace('%s', name.lower()) for value in values]
        else:
            # The value that the error shows is to blame, or the last.
            shown = [name for name in left if repr(environment[name]) in error
                     or environment[name].startswith('/srv/') and environment[name] in error]
            name = (shown or list(left) or [None])[-1]
            if not left.get(name):
                return environment, False
        environment[name] = left[name].pop(0)


def evaluated(file, environment):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(os.path.dirname(file))
    return oracle_dump.evaluated(os.path.basename(file))


def enter(root, wants):
    """Makes `root`, an empty directory, the root of this process, with all wants."""
    mount('tmpfs', root, 'tmpfs')
    # Bound directories shall not hold what is being built.
    mount(None, root, flags=UNBINDABLE)
    opened = set()
    files = {**wants.files, **accounts(wants)}
    for path in wants.directories | {os.path.dirname(file) for file in files}:
        while path not in opened:
            if os.path.isdir(path):
                opened.add(path)
            path = os.path.dirname(path)
    build('/', root, opened, files)
    for path in wants.directories:
        os.makedirs(root + path, exist_ok=True)
    for path, text in files.items():
        with open(root + path, 'w') as file:
            file.write(text)
    os.chroot(root)
    os.chdir('/')


def build(path, root, opened, files):
    """A directory's entries: what is opened is made anew, all else is the real one."""
    for entry in os.scandir(path):
        if entry.path != root and entry.path not in files:
            try:
                rebuild(entry, root, opened, files)
            except FileNotFoundError:
                # Somebody has removed it meanwhile.
                pass


def rebuild(entry, root, opened, files):
    inside = root + entry.path
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), inside)
    elif entry.path in opened:
        os.mkdir(inside, entry.stat().st_mode & 0o7777)
        build(entry.path, root, opened, files)
    elif entry.is_dir():
        os.mkdir(inside)
        mount(entry.path, inside, flags=BIND | RECURSIVE)
    else:
        open(inside, 'x').close()
        mount(entry.path, inside, flags=BIND)


def accounts(wants):
    """The tables of users and groups, with those wanted."""
    users, groups = read('/etc/passwd'), read('/etc/group')
    for number, name in enumerate(sorted(wants.users | wants.groups), FIRST_ID):
        uid = int(name) if name.isdigit() else number
        if name in wants.users and not has(pwd.getpwnam, pwd.getpwuid, name):
            users += '%s:x:%d:%d::/home/%s:/bin/sh\n' % (
                'user' + name if name.isdigit() else name, uid, uid, name)
        if not has(grp.getgrnam, grp.getgrgid, name):
            groups += '%s:x:%d:\n' % ('group' + name if name.isdigit() else name, uid)
    return {'/etc/passwd': users, '/etc/group': groups}


def read(path):
    with open(path) as file:
        text = file.read()
    return text if text.endswith('\n') else text + '\n'


def has(by_name, by_number, name):
    try:
        by_number(int(name)) if name.isdigit() else by_name(name)
        return True
    except KeyError:
        return False


# From mount(2).
BIND, RECURSIVE, UNBINDABLE = 0x1000, 0x4000, 0x20000


def mount(source, target, kind=None, flags=0):
    encoded = [os.fsencode(text) if text else None for text in (source, target, kind)]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(*encoded, ctypes.c_ulong(flags), None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
