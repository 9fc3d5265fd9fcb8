#!/usr/bin/env python3
"""The status page in a real browser while processes change, and while supervisord is
killed and started again: it follows without being loaded again.

    live.py URL AXE SUPERVISORD CONFIGURATION

The configuration has a server at the URL and the programs of tests/chromium.rs."""

import subprocess
import sys
import tempfile
import xmlrpc.client

from webdriver import Browser, wait_for


def state(browser, name):
    return browser.text('tr:has(input[value="%s"]) .state' % name)


def held_to_axe(browser, axe):
    browser.run(axe)
    broken = browser.run_async(
        'const done = arguments[arguments.length - 1];'
        'axe.run().then(found => done(found.violations.map('
        'one => one.id + " " + one.nodes.map(node => node.html).join(" "))))')
    assert not broken, broken


def main():
    url, axe, program, configuration = sys.argv[1:]
    with open(axe, encoding='utf-8') as file:
        axe = file.read()

    def call(method, *parameters):
        with xmlrpc.client.ServerProxy(url + 'RPC2') as proxy:
            return getattr(proxy.supervisor, method)(*parameters)

    def answers():
        try:
            return call('getState')
        except OSError:
            return None

    def start():
        daemon = subprocess.Popen([program, '-n', '-c', configuration],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for('supervisord to answer', answers)
        return daemon

    daemon = start()
    try:
        with tempfile.TemporaryDirectory(prefix='pv') as folder, Browser(folder) as browser:
            browser.look(800, 500, 'light')
            browser.open(url)
            wait_for('the first state', lambda: state(browser, 'cat') == 'running')
            # What one has typed, where one is, and how far down.
            browser.run('window.mark = 1')
            browser.find('#filter input').write('c')
            browser.run('document.querySelector(\'tr:has(input[value="crowd:c_25"]) '
                        '[value=restart]\').focus();'
                        'window.height = () => document.activeElement.closest("tr")'
                        '.getBoundingClientRect().top; window.place = window.height()')
            assert browser.run('return scrollY') > 0, 'everything fits into the window'

            def kept():
                """Not loaded again, in the same place, in the same row, with the same filter."""
                return browser.run(
                    'return [window.mark, Math.abs(window.height() - window.place) < 2,'
                    'document.activeElement.closest("tr").cells[0].textContent,'
                    'document.querySelector("#filter input").value]')

            expected = [1, True, 'c_25', 'c']
            assert kept() == expected, kept()
            call('stopProcess', 'cat')
            wait_for('the page to show it', lambda: state(browser, 'cat') == 'stopped')
            counted = browser.text('header a.stopped')
            assert counted == '1 stopped', counted
            wait_for('the place to be kept', lambda: kept() == expected)
            held_to_axe(browser, axe)
            # The button with the focus goes away: something else in its row has it then.
            call('stopProcess', 'crowd:c_25')
            wait_for('the page to show it', lambda: state(browser, 'crowd:c_25') == 'stopped')
            wait_for('the focus', lambda: kept() == expected)
            daemon.kill()
            daemon.wait()
            wait_for('the lost line', lambda: 'no connection' in browser.text('#live'))
            held_to_axe(browser, axe)
            daemon = start()
            wait_for('the lost line to go', lambda: browser.text('#live') == '')
            wait_for('the page to show it', lambda: state(browser, 'cat') == 'running')
            assert browser.run('return window.mark') == 1, 'it was loaded again'
            # Its forms are those of the new supervisord.
            browser.run('document.querySelector(\'tr:has(input[value="cat"]) '
                        '[value=stop]\').click()')
            wait_for('a message', lambda: 'Process cat stopped' in browser.text('#message'))
    finally:
        daemon.terminate()
        daemon.wait()


main()
