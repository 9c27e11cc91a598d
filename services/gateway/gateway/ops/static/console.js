// Says whether the page is live, and that a form is at work; keeps what was typed while the language
// changes. All else is the server's.
(() => {
  const live = document.getElementById("live");
  const say = (state) => {
    if (!live) return;
    live.className = `live ${state}`;
    live.textContent = state === "on" ? live.dataset.live : live.dataset.lost;
  };
  document.addEventListener("htmx:sseOpen", () => say("on"));
  document.addEventListener("htmx:sseError", () => say("off"));
  document.addEventListener("htmx:sseClose", () => say("off"));
  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("button[data-working]");
    if (!button) return;
    button.textContent = button.dataset.working;
    button.setAttribute("aria-busy", "true");
    // After the form has left, so that its fields are sent.
    setTimeout(() => { button.disabled = true; }, 0);
  });

  // Every field has an id that is the same in both languages. A password is never kept.
  const fields = () => document.querySelectorAll(
    "form input[id]:not([type=hidden]):not([type=password]), form textarea[id], form select[id]");
  const link = document.querySelector("a[data-keeps-typed]");
  link?.addEventListener("click", () => {
    const typed = [...fields()].map((field) => [field.id, field.value, field.checked === true]);
    const page = new URL(link.href).searchParams.get("back");
    sessionStorage.setItem("typed", JSON.stringify({ page, typed }));
  });
  const kept = JSON.parse(sessionStorage.getItem("typed") ?? "null");
  sessionStorage.removeItem("typed");
  if (kept?.page !== location.pathname + location.search) return;
  for (const [id, value, checked] of kept.typed) {
    const field = document.getElementById(id);
    if (!field) continue;
    field.value = value;
    if ("checked" in field) field.checked = checked;
  }
})();
