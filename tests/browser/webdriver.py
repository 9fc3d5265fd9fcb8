"""A browser, driven by plain WebDriver over HTTP: Python's standard library and
ChromeDriver are all that it needs."""

import base64
import http.client
import json
import os
import signal
import subprocess
import time

# How long something that must happen is waited for, in seconds.
DEADLINE = 60

ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'


class Browser:
    """A headless Chromium in one session; ends with the `with` block."""

    def __init__(self, folder):
        self.port = self._start(folder)
        # Root may not have a sandbox; small hosts and containers have little shared memory.
        arguments = ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu',
                     '--no-first-run', '--disable-crash-reporter', '--disable-breakpad',
                     '--disable-extensions', '--disable-background-networking',
                     '--user-data-dir=%s/profile' % folder, '--hide-scrollbars']
        self.session = None
        answer = self._ask('POST', '/session', {'capabilities': {'alwaysMatch': {
            'browserName': 'chrome', 'goog:chromeOptions': {'args': arguments}}}})
        self.session = answer['sessionId']

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._ask('DELETE', '/session/%s' % self.session)
        finally:
            # Chromium too, if it has not ended by itself.
            os.killpg(self.driver.pid, signal.SIGKILL)
            self.driver.wait()
            self.driver.stdout.close()

    def _start(self, folder):
        # It takes a port that is free for IPv4, and ends if somebody has the same for IPv6.
        for _ in range(5):
            self.driver = subprocess.Popen(
                ['chromedriver', '--port=0', '--log-path=%s/chromedriver.log' % folder],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
            said = ''
            for line in self.driver.stdout:
                said += line
                if 'successfully on port' in line:
                    return int(line.split()[-1].rstrip('.'))
            self.driver.wait()
            self.driver.stdout.close()
        raise SystemExit('chromedriver does not start:\n' + said)

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=DEADLINE)
        content = None if method == 'GET' else json.dumps(body or {})
        connection.request(method, path, content, {'Content-Type': 'application/json'})
        value = json.load(connection.getresponse())['value']
        connection.close()
        if isinstance(value, dict) and 'error' in value:
            raise Failure('%s: %s' % (value['error'], value['message'].split('\n')[0]))
        return value

    def ask(self, method, command, body=None):
        return self._ask(method, '/session/%s/%s' % (self.session, command), body)

    def chrome(self, command, **parameters):
        """A command of the DevTools protocol."""
        return self.ask('POST', 'goog/cdp/execute', {'cmd': command, 'params': parameters})

    def open(self, address):
        self.ask('POST', 'url', {'url': address})

    def address(self):
        return self.ask('GET', 'url')

    def source(self):
        return self.ask('GET', 'source')

    def run(self, script, *arguments):
        return self.ask('POST', 'execute/sync', {'script': script, 'args': list(arguments)})

    def run_async(self, script, *arguments):
        return self.ask('POST', 'execute/async', {'script': script, 'args': list(arguments)})

    def find_all(self, selector, strategy='css selector'):
        found = self.ask('POST', 'elements', {'using': strategy, 'value': selector})
        return [Element(self, one[ELEMENT]) for one in found]

    def find(self, selector, strategy='css selector'):
        found = self.ask('POST', 'element', {'using': strategy, 'value': selector})
        return Element(self, found[ELEMENT])

    def text(self, selector):
        """The text that is shown; empty if there is no such element."""
        def shown():
            found = self.find_all(selector)
            return found[0].text() if found else ''
        return unless_gone(shown)

    def answer(self, is_yes):
        """Answers the question of a script; the question."""
        question = self.ask('GET', 'alert/text')
        self.ask('POST', 'alert/accept' if is_yes else 'alert/dismiss')
        return question

    def force(self, selector, states):
        """Elements look as if they were in these states, such as `hover`."""
        self.chrome('DOM.enable')
        self.chrome('CSS.enable')

        def all_of_them():
            root = self.chrome('DOM.getDocument')['root']['nodeId']
            found = self.chrome('DOM.querySelectorAll', nodeId=root, selector=selector)
            for node in found['nodeIds']:
                self.chrome('CSS.forcePseudoState', nodeId=node, forcedPseudoClasses=states)
        unless_gone(all_of_them)

    def javascript(self, is_on):
        self.chrome('Emulation.setScriptExecutionDisabled', value=not is_on)

    def look(self, width, height, scheme):
        """The size of the window, and light or dark."""
        self.chrome('Emulation.setDeviceMetricsOverride', width=width, height=height,
                    deviceScaleFactor=1, mobile=False)
        self.chrome('Emulation.setEmulatedMedia',
                    features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def screenshot(self, path):
        shot = self.chrome('Page.captureScreenshot', captureBeyondViewport=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))


class Element:
    def __init__(self, browser, name):
        self.browser = browser
        self.name = name

    def text(self):
        return self.browser.ask('GET', 'element/%s/text' % self.name)

    def attribute(self, name):
        return self.browser.ask('GET', 'element/%s/attribute/%s' % (self.name, name))

    def label(self):
        """What a screen reader says."""
        return self.browser.ask('GET', 'element/%s/computedlabel' % self.name)

    def is_displayed(self):
        return self.browser.ask('GET', 'element/%s/displayed' % self.name)

    def click(self):
        self.browser.ask('POST', 'element/%s/click' % self.name)

    def write(self, text):
        self.browser.ask('POST', 'element/%s/value' % self.name, {'text': text})

    def find_all(self, selector):
        found = self.browser.ask('POST', 'element/%s/elements' % self.name,
                                 {'using': 'css selector', 'value': selector})
        return [Element(self.browser, one[ELEMENT]) for one in found]


class Failure(Exception):
    """WebDriver could not do something."""


def unless_gone(do):
    """Does something with elements, again where the page has put others in their place
    meanwhile: it follows what happens."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return do()
        except Failure as failure:
            is_gone = 'stale element' in str(failure) or 'node with given id' in str(failure)
            if not is_gone or time.monotonic() > end:
                raise


def wait_for(what, find):
    """Waits until `find` finds something, however often WebDriver fails meanwhile."""
    end = time.monotonic() + DEADLINE
    last = None
    while time.monotonic() < end:
        try:
            found = find()
            if found:
                return found
        except Failure as failure:
            last = failure
        time.sleep(0.02)
    raise AssertionError('waited in vain for %s (%s)' % (what, last))
