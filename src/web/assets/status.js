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
  const all = document.getElementById('all');
  if (all) all.addEventListener('submit', event => {
    const question = event.submitter && event.submitter.dataset.ask;
    if (!question) return;
    if (confirm(question)) all.elements.ask.disabled = true;
    else event.preventDefault();
  });
})();
