(() => {
  const form = document.getElementById('filter');
  const rows = [...document.querySelectorAll('#processes tr[data-s]')];
  const total = form.dataset.total;
  const apply = () => {
    const name = form.elements.name.value.trim().toLowerCase();
    const state = form.elements.state.value;
    let shown = 0;
    for (const row of rows) {
      const fits = row.cells[0].textContent.toLowerCase().includes(name) &&
        (!state || row.dataset.s === state);
      row.hidden = !fits;
      shown += fits;
    }
    for (const body of document.querySelectorAll('#processes tbody')) {
      body.hidden = !body.querySelector('tr[data-s]:not([hidden])');
    }
    document.getElementById('count').textContent = shown + ' of ' + total + ' shown';
  };
  form.addEventListener('input', apply);
})();
