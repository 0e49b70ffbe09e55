// Before the page is drawn: the choice of light or dark made with the button, if there was one.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* no storage: as the system wants it */ }
