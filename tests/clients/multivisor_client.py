"""Multivisor, unchanged, from its connection to what its pages show: multivisor_client.py ADDRESS

Its agent runs as an event listener of the daemon and calls every method for it.
"""

import gevent.monkey

gevent.monkey.patch_all(thread=False)

import sys

import gevent
from multivisor.multivisor import Supervisor


def wait(what, condition):
    with gevent.Timeout(60, AssertionError(what)):
        while not condition():
            gevent.sleep(0.02)


supervisor = Supervisor('it', sys.argv[1])
wait('it is connected', lambda: supervisor['running'])
assert supervisor['supervisor_version'] == '4.3.0' and supervisor['api_version'] == '3.0'
assert supervisor['identification'] == 'supervisor' and supervisor['pid'] > 0
processes = supervisor['processes']
assert 'it:p:p' in processes and 'it:agent:agent' in processes, processes
process = processes['it:p:p']
assert process['statename'] == 'RUNNING', process
# What it shows after these comes from events.
process.stop()
wait('it is stopped', lambda: process['statename'] == 'STOPPED')
process.start()
wait('it runs', lambda: process['statename'] == 'RUNNING')
pid = process['pid']
process.restart()
wait('it runs again', lambda: process['statename'] == 'RUNNING' and process['pid'] not in (0, pid))
process.server.clearProcessLogs('p:p')
supervisor.reread()
supervisor.update_server()
assert supervisor.server.readProcessStdoutLog('p', 0, 0) == ''
print('ok')
