// Says whether the page is live, and that a form is at work. All else is the server's.
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
})();
