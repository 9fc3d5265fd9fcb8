(() => {
  const follow = document.getElementById('follow');
  if (follow) follow.hidden = false;
  const log = document.getElementById('log');
  if (!log || !log.dataset.follow) return;
  const status = document.getElementById('following');
  const most = 1 << 20;
  const clean = text => text
    .replace(/\x1b\[[^@-~]*[@-~]/g, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b-\x1f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0)));
  const add = text => {
    log.append(text);
    if (log.textContent.length > 2 * most) log.textContent = log.textContent.slice(-most);
  };
  // The stream begins with what the page may hold already.
  const fresh = text => {
    const old = log.textContent;
    let at = Math.max(0, old.length - text.length);
    while (at < old.length && !text.startsWith(old.slice(at))) at++;
    return text.slice(old.length - at);
  };
  const run = async () => {
    try {
      const answer = await fetch(log.dataset.follow, { cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.status);
      status.textContent = 'following';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let first = true; ; first = false) {
        const { value, done } = await reader.read();
        if (done) break;
        add(first ? fresh(clean(value)) : clean(value));
      }
    } catch { }
    status.textContent = 'interrupted, tried again every 5 s';
    setTimeout(run, 5000);
  };
  run();
  // What is told of the process beside its log goes with the time, too.
  const look = async () => {
    try {
      const address = new URL(location);
      address.searchParams.set('limit', 1024);
      const page = await (await fetch(address)).text();
      const next = new DOMParser().parseFromString(page, 'text/html');
      for (const name of ['who', 'act']) {
        const [old, now] = [document, next].map(place => place.getElementById(name));
        if (old && now && old.textContent !== now.textContent) old.replaceWith(now);
      }
    } catch { }
    setTimeout(look, 5000);
  };
  if (document.getElementById('who')) setTimeout(look, 5000);
})();
