"""Python's own xmlrpc.client, unchanged, over TCP: python.py URL BINARY_LOG wrapped|bare

Every method that changes nothing is called, processes are stopped and started, the
log of the program `b` is read in every window: whatever it holds arrives as XML that
expat takes. MultiCall works where the results are wrapped, and nowhere else.
"""

import sys
import xml.parsers.expat
import xmlrpc.client

URL, LOG, MODE = sys.argv[1:]
server = xmlrpc.client.ServerProxy(URL)
supervisor, system = server.supervisor, server.system


def fault(code, call, *args):
    try:
        value = call(*args)
    except xmlrpc.client.Fault as got:
        assert got.faultCode == code, (got, code)
        return got.faultString
    raise AssertionError('%r is no fault' % (value,))


def information():
    assert supervisor.getAPIVersion() == supervisor.getVersion() == '3.0'
    assert supervisor.getSupervisorVersion() == '4.3.0'
    assert supervisor.getIdentification() == 'supervisor'
    assert supervisor.getState() == {'statecode': 1, 'statename': 'RUNNING'}
    assert isinstance(supervisor.getPID(), int)
    names = [info['name'] for info in supervisor.getAllProcessInfo()]
    assert names == sorted(names) and 'é' in names, names
    info = supervisor.getProcessInfo('p')
    assert info['statename'] == 'RUNNING' and info['state'] == 20, info
    assert [config['name'] for config in supervisor.getAllConfigInfo()] == sorted(names)
    for name in system.listMethods():
        assert '@return' in system.methodHelp(name)
        assert isinstance(system.methodSignature(name), list)
    assert fault(10, supervisor.getProcessInfo, 'nosuch') == 'BAD_NAME: nosuch'
    assert fault(1, supervisor.nosuch) == 'UNKNOWN_METHOD'
    assert fault(2, supervisor.getState, 1) == 'INCORRECT_PARAMETERS'


def control():
    assert supervisor.stopProcess('p') is True
    fault(70, supervisor.stopProcess, 'p')
    assert supervisor.startProcess('p', True) is True
    fault(60, supervisor.startProcess, 'p')
    assert supervisor.signalProcess('p', 'CONT') is True
    assert supervisor.sendProcessStdin('p', 'hé\n') is True
    assert supervisor.sendRemoteCommEvent('type', 'data\x7f') is True
    assert supervisor.reloadConfig() == [[[], [], []]]
    fault(90, supervisor.addProcessGroup, 'p')
    fault(91, supervisor.removeProcessGroup, 'p')
    # The answer is deferred, and longer in bytes than in characters.
    for call in supervisor.stopProcessGroup, supervisor.startProcessGroup:
        [status] = call('é')
        assert status == {'name': 'é', 'group': 'é', 'status': 80, 'description': 'OK'}, status
    assert supervisor.getState()['statename'] == 'RUNNING'
    assert len(supervisor.clearAllProcessLogs()) == 3


def logs():
    content = open(LOG, 'rb').read()
    size = len(content)
    for offset in range(-size - 1, size + 2):
        for length in range(0, 12):
            if offset < 0 and length > 0:
                fault(3, supervisor.readProcessStdoutLog, 'b', offset, length)
                continue
            check(supervisor.readProcessStdoutLog('b', offset, length))
            text, end, overflow = supervisor.tailProcessStdoutLog('b', offset, length)
            check(text)
            assert end == size and overflow == (size > offset + length), (offset, length, overflow)
    whole = supervisor.readProcessStdoutLog('b', 0, 0)
    expected = ''.join(
        c if c in '\t\n\r' or c >= ' ' and c not in '\ufffe\uffff' else '\ufffd'
        for c in content.decode('utf-8', 'replace')
    )
    # A reader of XML makes a line feed of a carriage return.
    assert whole == expected.replace('\r\n', '\n').replace('\r', '\n'), whole


def check(text):
    assert not any(c < ' ' and c not in '\t\n' for c in text), text


def multicall():
    calls = xmlrpc.client.MultiCall(server)
    calls.supervisor.getAPIVersion()
    calls.supervisor.stopProcess('p')
    calls.supervisor.getProcessInfo('p')
    calls.supervisor.startProcess('p')
    calls.supervisor.getProcessInfo('nosuch')
    results = calls()
    if MODE == 'bare':
        # As with 4.3.0: a result that is no array is taken for a fault.
        try:
            results[0]
        except (ValueError, KeyError):
            pass
        else:
            raise AssertionError('a bare result was understood')
        raw = system.multicall([{'methodName': 'supervisor.getAPIVersion', 'params': []}])
        assert raw == ['3.0'], raw
        return
    assert results[0] == '3.0' and results[1] is True and results[3] is True
    assert results[2]['statename'] == 'STOPPED', results[2]
    fault(10, lambda: results[4])


information()
control()
logs()
multicall()
print('ok')
