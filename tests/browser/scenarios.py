#!/usr/bin/env python3
"""The web interface in a real browser: everything is clicked, with JavaScript on
and off, looked at in three widths by day and by night, and held to the rules of
axe-core. One browser serves all scenarios.

    scenarios.py URL SIGHTS CROWD AXE SCREENSHOTS

URL, SIGHTS and CROWD are supervisords with the programs of tests/chromium.rs; the
second has something in every state, the third 30 programs in six groups: both are only
looked at."""

import contextlib
import http.client
import http.server
import os
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import xmlrpc.client

from webdriver import Browser, wait_for

CROWDED = ((400, 560), (1100, 700), (1440, 900))
WIDTHS = ((360, 800), (1024, 768), (2560, 1440))
ASKED = ('stopall', 'restartall', 'clearall')
ODD = 'ü"<script>document.title=1<\u2215script>\'&amp;%41'


class Supervisor:
    """The daemon as XML-RPC shows it."""

    def __init__(self, url):
        self.url = url

    def call(self, method, *parameters):
        with xmlrpc.client.ServerProxy(self.url + 'RPC2') as proxy:
            return getattr(proxy.supervisor, method)(*parameters)

    def info(self, name):
        return self.call('getProcessInfo', name)

    def state(self, name):
        return self.info(name)['statename']

    def wait(self, name, state):
        wait_for('%s to be %s' % (name, state), lambda: self.state(name) == state)


class Scenarios:
    def __init__(self, browser, urls, axe, screenshots):
        self.browser = browser
        self.url, self.sights, self.crowd = urls
        self.has_script = True
        self.axe = axe
        self.screenshots = screenshots
        self.daemon = Supervisor(self.url)

    # What the scenarios are made of.

    def open(self, page=''):
        self.browser.open(self.url + page)

    def row(self, name):
        """The row of a process or group."""
        quoted = name.replace('\\', '\\\\').replace('"', '\\"')
        return wait_for('the row of ' + name,
                        lambda: self.browser.find('#processes tr:has(input[value="%s"])' % quoted))

    def press(self, name, action):
        """Clicks a button in the row of a process or group."""
        buttons = self.row(name).find_all('button[value=%s]' % action)
        assert len(buttons) == 1, '%s has %d buttons %s' % (name, len(buttons), action)
        self.click_away(buttons[0])

    def press_all(self, action):
        """Clicks a button for all, and says yes if it asks."""
        button = '#all button[value=%s]' % action
        if action not in ASKED:
            self.click_away(self.browser.find(button))
        elif self.has_script:
            mark = self.browser.find('html').name
            self.browser.find(button).click()
            self.browser.answer(True)
            self.wait_for_another(mark)
        else:
            self.click_away(self.browser.find(button))
            assert ' processes of ' in self.browser.text('h1'), self.browser.source()
            self.click_away(self.browser.find('main button[value=%s]' % action))

    def click_away(self, element, end='footer'):
        """Clicks, and waits for the page that comes of it, which has an element at its end."""
        mark = self.browser.find('html').name
        element.click()
        self.wait_for_another(mark, end)

    def wait_for_another(self, mark, end='footer'):
        wait_for('another page', lambda: self.browser.find('html').name != mark
                 and self.browser.find(end))

    def told(self):
        return wait_for('a message', lambda: self.browser.text('#message'))

    def expect(self, message):
        told = self.told()
        assert told.startswith(message), 'told %r, not %r' % (told, message)

    def has_accessible(self, what):
        """No rule of axe-core is broken. That a page is loaded again is wished for by its reader."""
        self.browser.run(self.axe)
        broken = self.browser.run_async(
            'const done = arguments[arguments.length - 1];'
            'axe.run({rules: {"meta-refresh": {enabled: false}}}).then(found => done('
            'found.violations.map(one => one.id + " " + one.nodes.map(n => n.html).join(" "))))')
        assert not broken, '%s: %s' % (what, broken)

    # The scenarios.

    def every_button(self):
        daemon = self.daemon
        self.open()
        before = daemon.info('cat')['pid']
        self.press('cat', 'restart')
        self.expect('Process cat restarted')
        assert daemon.info('cat')['pid'] != before
        self.press('cat', 'stop')
        self.expect('Process cat stopped')
        assert daemon.state('cat') == 'STOPPED'
        self.press('cat', 'start')
        self.expect('Process cat started')
        assert daemon.state('cat') == 'RUNNING'
        self.press('broken', 'start')
        self.expect('ERROR: Process broken: no such file')
        self.press('web', 'stopgroup')
        self.expect('Group web stopped at ')
        assert daemon.state('web:web_1') == 'STOPPED'
        self.press('web', 'startgroup')
        self.expect('Group web started at ')
        assert daemon.state('web:web_1') == 'RUNNING'
        before = daemon.info('web:web_0')['pid']
        self.press('web', 'restartgroup')
        self.expect('Group web restarted at ')
        assert daemon.info('web:web_0')['pid'] != before
        for channel in ('stdout', 'stderr'):
            self.press('talker', 'clear' + channel)
            self.expect('Log for talker (%s) cleared' % channel)
        self.press_all('clearall')
        self.expect('All logs cleared at ')
        self.press_all('stopall')
        self.expect('All stopped at ')
        assert daemon.state('cat') == 'STOPPED'
        self.press_all('startall')
        self.expect('ERROR: All started at ')
        assert daemon.state('cat') == 'RUNNING'
        self.press_all('restartall')
        self.expect('ERROR: All restarted at ')
        self.press_all('refresh')
        self.expect('Page refreshed at ')

    def asked_first(self):
        """Nothing is done before there is a yes."""
        pid = self.daemon.info('cat')['pid']
        for action in ASKED:
            self.open('?name=web')
            button = self.browser.find('#all button[value=%s]' % action)
            if self.has_script:
                button.click()
                question = self.browser.answer(False)
            else:
                self.click_away(button)
                question = self.browser.text('h1')
                self.click_away(self.browser.find('Cancel', 'link text'))
            assert 'all 7 processes of ' in question, question
            assert '?name=web' in self.browser.address(), self.browser.address()
            assert not self.browser.find_all('#message'), self.browser.source()
        assert self.daemon.info('cat')['pid'] == pid

    def counts_that_filter(self):
        self.daemon.call('stopProcess', 'long')
        stopped = [info['name'] for info in self.daemon.call('getAllProcessInfo')
                   if info['statename'] == 'STOPPED']
        self.open('?name=n')
        self.click_away(self.browser.find('header a.stopped'))
        assert self.browser.address().endswith('?name=n&state=stopped'), self.browser.address()
        self.row('long')
        assert not self.browser.find_all('#processes tr[data-s=running]')
        assert self.browser.text('header [aria-current]') == '%d stopped' % len(stopped)
        self.daemon.call('startProcess', 'long')

    def groups_under_a_filter(self):
        """Their buttons say that they act on all where some are not shown."""
        def label():
            return self.row('web').find_all('button')[1].text()
        for query, expected in (('', 'Stop'), ('?name=web', 'Stop'), ('?name=web_1', 'Stop all 2')):
            self.open(query)
            assert label() == expected, (query, label())
        if self.has_script:
            self.open()
            for text, expected in (('web:web', 'Stop'), ('_0', 'Stop all 2')):
                self.browser.find('#filter input').write(text)
                assert label() == expected, (text, label())

    def an_odd_name(self):
        self.open()
        title = self.browser.ask('GET', 'title')
        assert title == os.uname().nodename + ' - Supervisor Status', title
        self.press(ODD, 'stop')
        self.expect('Process %s stopped' % ODD)
        assert self.daemon.state(ODD) == 'STOPPED'
        self.press(ODD, 'start')
        self.expect('Process %s started' % ODD)
        link = self.row(ODD).find_all('a')[0]
        self.click_away(link)
        assert self.browser.text('h1') == ODD, self.browser.text('h1')
        wait_for('its log', lambda: 'odd <b>output</b> ü' in self.reloaded('#log'))
        assert self.browser.ask('GET', 'title').startswith(ODD + ' stdout - ')

    def reloaded(self, selector):
        self.browser.open(self.browser.address())
        return self.browser.text(selector)

    def a_refreshing_page(self):
        """Loaded again twice by itself, with what is new."""
        self.open('tail.html?processname=talker')
        self.click_away(self.browser.find('2 s', 'link text'))
        assert self.browser.address().endswith('refresh=2'), self.browser.address()
        for _ in range(2):
            mark, log = self.browser.find('html').name, self.browser.text('#log')
            wait_for('the page to be loaded again',
                     lambda: self.browser.find('html').name != mark)
            wait_for('another log', lambda: self.browser.text('#log') != log)
        self.click_away(self.browser.find('off', 'link text'))
        assert 'refresh' not in self.browser.address(), self.browser.address()

    def more_and_fewer_lines(self):
        self.open('tail.html?processname=long&limit=1024')
        few = len(self.browser.text('#log'))
        self.click_away(self.browser.find('More lines', 'link text'))
        more = len(self.browser.text('#log'))
        assert few < 1100 < more < 4200, (few, more)
        self.click_away(self.browser.find('Fewer lines', 'link text'))
        assert len(self.browser.text('#log')) == few
        self.click_away(self.browser.find('stderr', 'link text'))
        assert 'channel=stderr' in self.browser.address() and self.browser.text('h1') == 'long'
        self.click_away(self.browser.find('button[value=clearstderr]'))
        self.expect('Log for long (stderr) cleared')

    def a_filter_by_form(self):
        self.open()
        self.browser.find('#filter input').write('WEB')
        self.click_away(self.browser.find('#filter button'))
        assert self.browser.text('#count').startswith('2 of '), self.browser.text('#count')
        assert 'name=WEB' in self.browser.address()
        self.press('web:web_0', 'restart')
        self.expect('Process web:web_0 restarted')
        assert self.browser.text('#count').startswith('2 of ')
        self.click_away(self.browser.find('Show all', 'link text'))
        self.row('cat')

    def a_filter_while_typing(self):
        self.open()
        address = self.browser.address()
        self.browser.find('#filter input').write('web_1')
        assert self.browser.text('#count').startswith('1 of ')
        shown = [row.text() for row in self.browser.find_all('#processes th[scope=row]')
                 if row.is_displayed()]
        assert shown == ['web_1'], shown
        assert self.browser.address() == address

    def following(self):
        self.open('tail.html?processname=talker')
        self.click_away(self.browser.find('follow', 'link text'))
        wait_for('it to follow', lambda: self.browser.text('#following') == 'following')
        self.browser.run('window.mark = 1')
        log = self.browser.text('#log')
        wait_for('three new lines', lambda: self.browser.text('#log').count('\n')
                 >= log.count('\n') + 3)
        lines = self.browser.text('#log').split('\n')
        assert len(set(lines)) == len(lines), 'a line is there twice: %s' % lines
        assert self.browser.run('return window.mark') == 1
        self.open('mainlog.html?refresh=follow')
        wait_for('it to follow', lambda: self.browser.text('#following') == 'following')
        before = self.browser.text('#log')
        self.daemon.call('stopProcess', 'cat')
        self.daemon.call('startProcess', 'cat')
        wait_for('news', lambda: len(self.browser.text('#log')) > len(before))

    def the_state_beside_a_followed_log(self):
        """It is that of now, and its buttons are those of the state."""
        self.open('tail.html?processname=cat&refresh=follow')
        assert self.browser.text('#who').startswith('running pid '), self.browser.text('#who')
        self.daemon.call('stopProcess', 'cat')
        wait_for('the state', lambda: self.browser.text('#who').startswith('stopped'))
        wait_for('its button', lambda: self.browser.text('#act') == 'Start')
        self.click_away(self.browser.find('#act button'))
        self.expect('Process cat started')
        assert self.browser.text('#who').startswith('running')
        assert 'processname=cat&refresh=follow' in self.browser.address()

    def no_following(self):
        self.open('tail.html?processname=talker&refresh=follow')
        assert not self.browser.find('#follow').is_displayed()
        assert 'needs JavaScript' in self.browser.text('#following'), self.browser.source()

    def tokens(self):
        """Taken away, exchanged, or of another form: nothing is done."""
        pid = self.daemon.info('cat')['pid']
        field = 'document.querySelector(\'input[value="cat"]\').form.elements.token'
        other = 'document.querySelector(\'input[value="long"]\').form.elements.token.value'
        for change in (field + '.remove()', field + '.value = "1.AAAAAAAAAAAAAAAAAAAAAA"',
                       '%s.value = %s' % (field, other)):
            self.open()
            # Not before it is sent: the page puts right what has become wrong on it.
            self.browser.run("document.addEventListener('submit', () => { %s })" % change)
            self.press('cat', 'stop')
            assert self.browser.text('h1') == 'Nothing was done', self.browser.text('h1')
        assert self.daemon.info('cat')['pid'] == pid

    def strangers(self):
        """A form of another site, and the page in a frame of another site."""
        pid = self.daemon.info('cat')['pid']
        self.open()
        token = self.browser.run('return document.querySelector('
                                 '\'input[value="cat"]\').form.elements.token.value')
        page = ('<!DOCTYPE html><form method=post action="%s"><input name=processname value=cat>'
                '<input name=action value=stop><input name=token value="%s"><button>x</button>'
                '</form><iframe src="%s"></iframe>' % (self.url, token, self.url))
        with served(page) as stranger:
            self.browser.open(stranger)
            frame = self.browser.find('iframe')
            self.browser.ask('POST', 'frame', {'id': {
                'element-6066-11e4-a52e-4f735466cecf': frame.name}})
            assert not self.browser.find_all('#processes'), 'it is shown in a frame'
            self.browser.ask('POST', 'frame', {'id': None})
            self.click_away(self.browser.find('button'), 'body')
            assert not self.browser.find_all('#message'), self.browser.source()
        assert self.daemon.info('cat')['pid'] == pid

    def behind_a_proxy(self):
        """Under a path of its own, pages and actions stay there, whatever Host is handed on."""
        for host in (True, False):
            self.through_a_proxy(host)

    def through_a_proxy(self, hands_on_host):
        with proxied(self.url, '/a/path/', hands_on_host) as place:
            self.browser.open(place)
            self.press('cat', 'restart')
            self.expect('Process cat restarted')
            assert self.browser.address().startswith(place + '?message='), self.browser.address()
            self.click_away(self.row('talker').find_all('a')[0])
            self.click_away(self.browser.find('button[value=clearstdout]'))
            self.expect('Log for talker (stdout) cleared')
            self.click_away(self.browser.find('Main log', 'link text'))
            assert self.browser.address() == place + 'mainlog.html', self.browser.address()
            self.click_away(self.browser.find('Processes', 'link text'))
            self.is_dressed()
            self.browser.open(place + 'a/b%2Fc/d?e=/f')
            self.is_dressed()
            self.click_away(self.browser.find('To the processes', 'link text'))
            assert self.browser.address() == place, self.browser.address()

    def is_dressed(self):
        color = self.browser.run('return getComputedStyle(document.querySelector("header"))'
                                 '.backgroundColor')
        assert color != 'rgba(0, 0, 0, 0)', 'the style sheet is not found'

    def by_keyboard(self):
        """Everything can be reached and pressed without a mouse, and what has the focus shows it."""
        self.open()
        keys = []
        for _ in range(12):
            self.press_key('Tab')
            keys.append(self.browser.run(
                'const e = document.activeElement; const s = getComputedStyle(e);'
                'return [e.textContent || e.name, s.outlineStyle != "none"]'))
        assert all(visible for _, visible in keys), keys
        names = [name for name, _ in keys]
        assert names[0] == 'Skip to content' and 'Stop all' in names, names

    def press_key(self, key):
        code = {'Tab': '\ue004'}[key]
        self.browser.ask('POST', 'actions', {'actions': [{'type': 'key', 'id': 'keys', 'actions': [
            {'type': 'keyDown', 'value': code}, {'type': 'keyUp', 'value': code}]}]})

    def looks(self):
        """Screenshots to look at; nothing is wider than the window, and no rule of axe-core broken."""
        pages = (('status', ''), ('tail', 'tail.html?processname=long'),
                 ('mainlog', 'mainlog.html?refresh=30'),
                 ('followed', 'tail.html?processname=long&refresh=follow'),
                 ('refused', '?action=stopall'), ('nobody', 'tail.html?processname=nobody'),
                 ('nowhere', 'no/where'), ('filtered', '?name=celery&state=running'))
        for scheme in ('light', 'dark'):
            for width, height in WIDTHS:
                for name, page in pages:
                    self.browser.look(width, height, scheme)
                    self.browser.open(self.sights + page)
                    wide = self.browser.run('return document.documentElement.scrollWidth')
                    what = '%s-%d-%s' % (name, width, scheme)
                    assert wide <= width, '%s is %d wide' % (what, wide)
                    self.browser.screenshot(os.path.join(self.screenshots, what + '.png'))
                    self.has_accessible(what)
        self.browser.look(1024, 768, 'light')

    def names_in_one_line(self):
        """A name is broken only where there is no room for it."""
        for width in (2560, 1600, 1440, 1280, 1100, 1024, 1000, 992, 800, 600, 400):
            for url in (self.sights, self.crowd):
                self.browser.look(width, 800, 'light')
                self.browser.open(url)
                wide = self.browser.run('return document.documentElement.scrollWidth')
                assert wide <= width, 'with %d it is %d wide' % (width, wide)
                names = self.lines_of('#processes th[scope^=row]')
                assert names, 'no names'
                # The room of a name: what the page leaves of the window, in letters.
                room = min(28, width // 16) if width < 1440 else 44
                broken = [one for one in names if len(one[0]) <= room and one[1] > 1]
                assert not broken, 'with %d: %s' % (width, broken)
        self.browser.look(1024, 768, 'light')

    def lines_of(self, selector):
        """The texts of elements, and in how many lines they are shown."""
        return self.browser.run(
            'return [...document.querySelectorAll(arguments[0])].map(cell => {'
            'const text = document.createRange();'
            'text.selectNodeContents(cell.querySelector("span") || cell);'
            'const tops = [...text.getClientRects()].map(line => Math.round(line.bottom));'
            'return [cell.textContent.trim(), new Set(tops).size]})', selector)

    def a_crowd(self):
        """30 programs in six groups: what an operator wants to see is seen at once."""
        for scheme in ('light', 'dark'):
            for width, height in CROWDED:
                self.browser.look(width, height, scheme)
                self.browser.open(self.crowd)
                what = 'crowd-%d-%s' % (width, scheme)
                self.browser.screenshot(os.path.join(self.screenshots, what + '.png'))
                self.has_accessible(what)
                broken = [one for one in self.lines_of('tr[data-s=running] td:nth-child(3)')
                          if one[1] > 1]
                assert not broken, '%s: %s' % (what, broken)
                bottom = self.browser.run('return document.querySelector("tr[data-s]")'
                                          '.getBoundingClientRect().bottom')
                assert bottom <= height, '%s: the first process ends at %d' % (what, bottom)
                heading = self.browser.text('#processes .group')
                assert 'checkout-service' in heading and '1 fatal' in heading, heading
        assert self.browser.find('th[scope=row]').text() == 'celery-beat-scheduler'
        self.browser.look(1024, 768, 'light')

    def large_enough_for_fingers(self):
        for page in ('', 'tail.html?processname=nginx&refresh=5', '?name=work', 'mainlog.html'):
            self.browser.look(400, 800, 'light')
            self.browser.open(self.crowd + page)
            small = self.browser.run(
                'return [...document.querySelectorAll("main button, main input, main .bar a, td a")]'
                '.map(one => [one.textContent, one.getBoundingClientRect().height])'
                '.filter(one => one[1] > 0 && one[1] < 40)')
            assert not small, (page, small)
        self.browser.look(1024, 768, 'light')

    def one_row_of_controls(self):
        for page in ('tail.html?processname=checkout-service:celery-beat-scheduler',
                     'mainlog.html?refresh=30'):
            for width in (1100, 1440):
                self.browser.look(width, 800, 'light')
                self.browser.open(self.crowd + page)
                places = self.browser.run(
                    'return [...document.querySelectorAll("main > .bar:not(.head) :is(a, button)")]'
                    '.map(one => one.getBoundingClientRect()).map(box => [box.top, box.height])'
                    '.filter(box => box[1])')
                assert len(places) > 6 and len({top for top, _ in places}) == 1, (width, places)
        self.browser.look(1024, 768, 'light')

    def colours(self):
        """What each control says can be read in each of its states."""
        pages = ('', '?state=fatal', 'tail.html?processname=long&refresh=follow',
                 'tail.html?processname=long&channel=stderr&refresh=5', 'mainlog.html')
        states = ([], ['hover'], ['active'], ['focus', 'focus-visible'], ['hover', 'active'])
        for scheme in ('light', 'dark'):
            for page in pages:
                self.browser.look(1024, 768, scheme)
                self.browser.open(self.sights + page)
                for state in states:
                    self.browser.force('a, button, input', state)
                    pale = self.browser.run(CONTRAST)
                    assert not pale, (scheme, page, state, pale)
        self.browser.look(1024, 768, 'light')


# What is less than 4.5 times as light or dark as what is behind it.
CONTRAST = """
const parts = color => color.match(/[\\d.]+/g).map(Number);
const light = color => parts(color).slice(0, 3).map(part => part / 255)
  .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
  .reduce((sum, part, place) => sum + part * [.2126, .7152, .0722][place], 0);
const behind = element => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (parts(color)[3] !== 0) return color;
  }
  return 'rgb(255, 255, 255)';
};
return [...document.querySelectorAll('a, button, input')].map(element => {
  const [one, other] = [getComputedStyle(element).color, behind(element)].map(light);
  const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
  return [element.textContent, contrast];
}).filter(one => one[1] < 4.5);
"""


class Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def server_with(handler):
    """A server of that handler on some port."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def served(page):
    """A page at an address of another site."""
    class Handler(Silent):
        def do_GET(self):
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.end_headers()
            self.wfile.write(page.encode())

    with server_with(Handler) as port:
        yield 'http://localhost:%d/' % port


@contextlib.contextmanager
def proxied(url, prefix, hands_on_host):
    """What is at the address, under a path of another server."""
    host = urllib.parse.urlsplit(url).netloc

    class Handler(Silent):
        def forward(self):
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            length = int(self.headers.get('Content-Length') or 0)
            kept = {name: value for name, value in self.headers.items()
                    if name not in ('Connection', 'Keep-Alive')
                    and (hands_on_host or name != 'Host')}
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request(self.command, self.path[len(prefix) - 1:],
                               self.rfile.read(length), kept)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = forward

    with server_with(Handler) as port:
        yield 'http://127.0.0.1:%d%s' % (port, prefix)


WITHOUT_SCRIPT = ('every_button', 'asked_first', 'counts_that_filter', 'groups_under_a_filter',
                  'an_odd_name', 'a_refreshing_page', 'more_and_fewer_lines', 'a_filter_by_form',
                  'no_following')
WITH_SCRIPT = ('looks', 'a_crowd', 'names_in_one_line', 'large_enough_for_fingers',
               'one_row_of_controls', 'colours', 'every_button', 'asked_first',
               'counts_that_filter', 'groups_under_a_filter', 'an_odd_name', 'a_refreshing_page',
               'more_and_fewer_lines', 'a_filter_by_form', 'a_filter_while_typing', 'following',
               'the_state_beside_a_followed_log', 'tokens', 'strangers', 'behind_a_proxy',
               'by_keyboard')


def main():
    """All of them, or those that are named in $SCENARIOS."""
    wanted = os.environ.get('SCENARIOS', '').split()
    *urls, axe, screenshots = sys.argv[1:]
    with open(axe, encoding='utf-8') as file:
        axe = file.read()
    failed = 0
    with tempfile.TemporaryDirectory(prefix='pv') as folder, Browser(folder) as browser:
        scenarios = Scenarios(browser, urls, axe, screenshots)
        for has_script, names in ((True, WITH_SCRIPT), (False, WITHOUT_SCRIPT)):
            browser.javascript(has_script)
            scenarios.has_script = has_script
            for name in names:
                if wanted and name not in wanted:
                    continue
                begun = time.monotonic()
                try:
                    getattr(scenarios, name)()
                    outcome = 'ok'
                except Exception:
                    failed += 1
                    outcome = 'FAILED\n' + traceback.format_exc()
                print('%s, JavaScript %s: %.1f s, %s' % (
                    name, 'on' if has_script else 'off', time.monotonic() - begun, outcome), flush=True)
    raise SystemExit(1 if failed else 0)


main()
