"use strict";
// Sortable tables: every header button sorts by the cells' data-sort; what has none (missing) stays last in both directions.
const status = document.querySelector(".status");

function sortBy(head) {
  const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
  const numeric = head.classList.contains("number");
  const up = head.getAttribute("aria-sort") !== "ascending";
  const key = row => row.cells[column].dataset.sort;
  const compare = (a, b) => numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
  const rows = Array.from(body.rows).sort((first, second) => {
    const a = key(first), b = key(second);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return up ? compare(a, b) : compare(b, a);
  });
  body.append(...rows);
  table.classList.add("sorted");
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  status.textContent = `${head.textContent.trim()}: sorted ${up ? "ascending" : "descending"}`;
}

async function copyCommand(button) {
  const command = button.parentElement.querySelector("code").textContent;
  let words = "copied";
  try { await navigator.clipboard.writeText(command); }
  catch { getSelection().selectAllChildren(button.parentElement.querySelector("code")); words = "selected"; }
  button.textContent = words;
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("copy")) copyCommand(button);
  else if (button.closest("thead")) sortBy(button.closest("th"));
});

// Maps of layers: the cell under the pointer in words.
for (const figure of document.querySelectorAll(".layer-map")) {
  const picture = figure.querySelector("image"), told = figure.querySelector("output");
  const map = JSON.parse(figure.querySelector("script").textContent);
  picture.addEventListener("pointermove", event => {
    const box = picture.getBoundingClientRect();
    const column = Math.min(map.columns.length - 1, Math.floor((event.clientX - box.left) / box.width * map.columns.length));
    const row = Math.min(map.rows.length - 1, Math.floor((box.bottom - event.clientY) / box.height * map.rows.length));
    if (row < 0 || column < 0) return;
    const value = map.value[row][column];
    let words = value === null ? "never fired or undefined" : value.toFixed(3);
    if (value !== null && map.low) words += ` (${map.low[row][column].toFixed(3)} to ${map.high[row][column].toFixed(3)})`;
    if (map.unsaid[row][column]) words += ", inside the null band";
    told.textContent = `${map.rows[row]} and ${map.columns[column]}: ${words}`;
  });
  picture.addEventListener("pointerleave", () => { told.textContent = "\u00a0"; });
}

// Sections unfold where a link leads to, and all of them for the printer.
function reveal() {
  let place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const target = place;
  for (; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();
const folded = [];
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; folded.push(one); }
});
addEventListener("afterprint", () => { for (const one of folded.splice(0)) one.open = false; });
const unfold = document.querySelector(".unfold");
if (unfold) {
  unfold.hidden = false;
  unfold.addEventListener("click", () => {
    const chapters = Array.from(document.querySelectorAll("details.chapter")), open = chapters.some(one => !one.open);
    for (const one of chapters) one.open = open;
    unfold.textContent = open ? "fold all" : "unfold all";
  });
}

// Clips that flip: a perturbation and a class choose among them; without a script all of them stand there.
for (const list of document.querySelectorAll(".flips")) {
  const choices = list.querySelector(".choose"), told = choices.querySelector("output");
  choices.hidden = false;
  choices.addEventListener("change", () => {
    const [perturbation, label] = ["perturbation", "label"].map(by => choices.querySelector(`[data-by=${by}]`).value);
    let shown = 0;
    for (const clip of list.querySelectorAll("li")) {
      let any = false;
      for (const shot of clip.querySelectorAll("[data-perturbation]")) {
        shot.hidden = perturbation !== "" && shot.dataset.perturbation !== perturbation;
        any ||= !shot.hidden;
      }
      clip.hidden = !any || (label !== "" && clip.dataset.label !== label);
      shown += !clip.hidden;
    }
    told.textContent = `${shown} ${shown === 1 ? "clip" : "clips"}`;
  });
}
