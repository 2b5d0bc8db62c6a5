"use strict";
for (const table of document.querySelectorAll("table.nodes")) {
  const body = table.tBodies[0], rows = Array.from(body.rows), input = table.parentElement.querySelector("input"), shown = table.parentElement.querySelector(".shown");
  input.hidden = false;
  const texts = rows.map(row => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    rows.forEach((row, i) => { row.hidden = !words.every(word => texts[i].includes(word)); if (!row.hidden) n++; });
    shown.textContent = words.length ? n + " of " + rows.length : "";
  });
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    let way = 1;
    const value = row => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
    button.addEventListener("click", () => {
      const sorted = Array.from(body.rows).sort((a, b) => way * value(a).localeCompare(value(b), "en", {numeric: true}));
      body.append(...sorted);
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
      way = -way;
    });
  });
}
