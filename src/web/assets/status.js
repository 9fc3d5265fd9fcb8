(() => {
  const form = document.getElementById('filter');
  const apply = () => {
    const name = form.elements.name.value.trim().toLowerCase();
    let shown = 0;
    for (const body of document.querySelectorAll('#processes tbody')) {
      const group = body.querySelector('.group');
      const above = group ? group.cells[0].textContent + ':' : '';
      let here = 0;
      for (const row of body.querySelectorAll('tr[data-s]')) {
        row.hidden = !(above + row.cells[0].textContent).toLowerCase().includes(name);
        here += !row.hidden;
      }
      body.hidden = !here;
      if (group) body.classList.toggle('part', here < group.dataset.n);
      shown += here;
    }
    const total = +form.dataset.total;
    const count = document.getElementById('count');
    count.textContent = shown + ' of ' + total + ' shown';
    count.classList.toggle('hide', shown === total);
  };
  form.addEventListener('input', apply);
  document.addEventListener('submit', event => {
    const question = event.submitter && event.submitter.dataset.ask;
    if (!question) return;
    if (confirm(question)) event.target.elements.ask.disabled = true;
    else event.preventDefault();
  });
  // Puts what another element holds into this one; what is as before stays as it is, and
  // with it the focus and the place where one reads.
  const keys = { BUTTON: 'value', INPUT: 'name', FORM: 'id', DIV: 'id', SECTION: 'id', P: 'id' };
  const key = node => {
    const name = node.matches && node.matches('tr, tbody') && node.querySelector('th').textContent;
    return node.nodeName + (name || node[keys[node.nodeName]] || '');
  };
  const stays = node => node.id === 'message' || node.id === 'live';
  const merge = (old, next) => {
    if (old.nodeType !== 1) {
      if (old.data !== next.data) old.data = next.data;
      return;
    }
    for (const { name, value } of next.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes])
      if (name !== 'hidden' && !next.hasAttribute(name)) old.removeAttribute(name);
    let at = old.firstChild;
    const drop = end => {
      while (at !== end) {
        const gone = at;
        at = at.nextSibling;
        if (!stays(gone)) gone.remove();
      }
    };
    for (const child of [...next.childNodes]) {
      let same = at;
      while (same && (stays(same) || key(same) !== key(child))) same = same.nextSibling;
      if (same) {
        drop(same);
        merge(same, child);
        at = same.nextSibling;
      } else old.insertBefore(child, at);
    }
    drop(null);
  };
  const main = document.getElementById('main');
  const live = document.createElement('p');
  live.id = 'live';
  live.setAttribute('role', 'status');
  main.prepend(live);
  let seen = new Date();
  let busy = false;
  let again = false;
  // The same page as it is now, without what was told of an action.
  const look = async () => {
    again = busy;
    if (busy) return;
    busy = true;
    try {
      const address = new URL('./', location);
      for (const input of form.querySelectorAll('input'))
        address.searchParams.set(input.name, input.defaultValue);
      const answer = await fetch(address, { cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.status);
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const focused = document.activeElement;
      const row = focused.closest('tr');
      for (const name of ['header', 'main'])
        merge(document.querySelector(name), next.querySelector(name));
      const near = row && !focused.isConnected && row.querySelector('button, a');
      if (near) near.focus({ preventScroll: true });
      apply();
      seen = new Date();
      live.textContent = '';
    } catch {
      live.textContent = 'There is no connection to supervisord. This is how things were at '
        + seen.toLocaleTimeString() + '; it is tried again every few seconds.';
    }
    live.className = live.textContent && 'message bad';
    busy = false;
    if (again) look();
  };
  let source = null;
  const watch = () => {
    if (document.hidden || source) return;
    const stream = source = new EventSource('events');
    stream.addEventListener('changed', look);
    stream.onerror = () => {
      stream.close();
      look();
      setTimeout(() => {
        if (source === stream) source = null;
        watch();
      }, 3000);
    };
  };
  // A page that nobody sees follows nothing.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && source) source = source.close();
    else watch();
  });
  // Times go on where nothing happens, and a connection that has died in silence is noticed.
  setInterval(() => document.hidden || look(), 30000);
  watch();
})();
