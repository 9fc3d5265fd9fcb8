"""Reads calls with Python's xmlrpc.client and with Supervisor 4.3.0.

Each line of the input is a body in hexadecimal; a line of the output has what each of
the two makes of it: the method and the parameters in one notation, or `error`.
"""

import datetime
import struct
import sys
import xmlrpc.client

from supervisor.xmlrpc import supervisor_xmlrpc_handler

original = object.__new__(supervisor_xmlrpc_handler)


def told(value):
    if value is None:
        return 'n'
    if isinstance(value, bool):
        return 'b%d' % value
    if isinstance(value, int):
        return 'i%d' % value
    if isinstance(value, float):
        return 'd' + struct.pack('>d', value).hex()
    if isinstance(value, str):
        return 's' + value.encode('utf-8').hex()
    if isinstance(value, xmlrpc.client.Binary):
        return 's' + value.data.hex()
    if isinstance(value, xmlrpc.client.DateTime):
        return 't' + value.value
    if isinstance(value, datetime.datetime):
        return 't' + value.strftime('%Y%m%dT%H:%M:%S')
    if isinstance(value, (list, tuple)):
        return '[' + ','.join(map(told, value)) + ']'
    return '{' + ','.join(told(name) + ':' + told(member) for name, member in value.items()) + '}'


def outcome(read, body):
    try:
        params, method = read(body)
    except Exception:
        return 'error'
    # 4.3.0 refuses what has no method a little later.
    return 'error' if not method else told(method) + told(params or ())


for line in sys.stdin:
    body = bytes.fromhex(line.strip())
    print(outcome(xmlrpc.client.loads, body), outcome(lambda b: original.loads(b.decode('utf-8')), body))
