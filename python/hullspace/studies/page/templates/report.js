"use strict";
// Tables sort by the column whose head is pressed; the row of all images stays on top.
const asNumber = text => {
  const found = text.replaceAll(",", "").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/i);
  return found ? parseFloat(found[0]) : null;
};
const compare = (a, b) => {
  const x = asNumber(a), y = asNumber(b);
  if (x !== null && y !== null) return x - y || a.localeCompare(b);
  if (x !== null || y !== null) return x === null ? 1 : -1;
  return a.localeCompare(b);
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => {
    if (head.tagName !== "TH") return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].filter(row => !row.classList.contains("all"));
      rows.sort((a, b) => compare(a.cells[column].textContent, b.cells[column].textContent) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
}
// Drawings say what the pointer is on.
const hint = document.getElementById("hint");
for (const drawing of document.querySelectorAll(".drawing")) {
  for (const [id, text] of Object.entries(JSON.parse(drawing.dataset.hints))) {
    const shape = drawing.querySelector("#" + CSS.escape(id));
    if (!shape) continue;
    shape.classList.add("hinted");
    const show = event => {
      hint.textContent = text;
      hint.hidden = false;
      hint.style.left = Math.min(event.clientX + 14, innerWidth - hint.offsetWidth - 8) + "px";
      hint.style.top = Math.min(event.clientY + 14, innerHeight - hint.offsetHeight - 8) + "px";
    };
    shape.addEventListener("pointermove", show);
    shape.addEventListener("pointerdown", show);
    shape.addEventListener("pointerleave", () => { hint.hidden = true; });
  }
}
// The list of chapters follows the reader.
const links = new Map([...document.querySelectorAll("nav a")].map(a => [a.hash.slice(1), a]));
const watch = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    links.forEach(link => link.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0px -80% 0px" });
links.forEach((_, id) => watch.observe(document.getElementById(id)));
