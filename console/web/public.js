// Renews the public summary each minute without moving whoever reads it.
setInterval(async () => {
  try {
    const answer = await fetch(window.location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (answer.ok && fresh) document.querySelector("main").replaceWith(fresh);
  } catch { /* the time on the page says how old it is */ }
}, 60000);
