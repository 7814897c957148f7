// Sets light or dark before the first paint. A file of its own, because the page's CSP allows no inline script.
(function () {
  var choice = 'auto';
  try {
    choice = localStorage.getItem('antiphon-color-scheme') || 'auto';
  } catch (_) {
    // storage is blocked: follow the system
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
