"use strict";
const inputs = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const cards = [...document.querySelectorAll(".card")];
const viewer = at("viewer");
let current = 0, slice = 0, plain = false;

const shown = () => cards.filter((card) => !card.hidden);

function filter() {
  const flagged = document.querySelector("input[name=shown]:checked").value === "flagged";
  const part = at("name").value.trim().toLowerCase();
  for (const card of cards) {
    card.hidden = (flagged && card.dataset.flag !== "yes") || !card.dataset.name.includes(part);
  }
  const count = shown().length;
  at("found").value = count === cards.length ? "" : `${count} of ${cards.length}`;
  at("none").hidden = count > 0;
}

function draw() {
  const input = inputs[current], part = input.slices[slice], many = input.slices.length > 1;
  at("title").textContent = input.file;
  at("state").textContent = `${input.flag}, score ${input.score}` + (many ? `; this slice ${part.score}` : "") + input.notes.map((note) => `. \u26a0 ${note}`).join("");
  paint(part, input.size);
  at("large").ariaLabel = `${input.file}${many ? `, slice ${slice + 1} of ${input.slices.length}` : ""}, ` +
    (plain ? "as it is" : "with its map in colours");
  at("slices").hidden = !many;
  at("slice").max = input.slices.length - 1;
  at("slice").value = slice;
  at("place").value = `${slice + 1} of ${input.slices.length}${slice === input.worst ? " (worst)" : ""}`;
  at("plain").setAttribute("aria-pressed", plain);
  const row = shown().indexOf(cards[current]);
  at("before").disabled = row <= 0;
  at("after").disabled = row === shown().length - 1;
}

function picture(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

async function paint(part, size) {
  const wanted = plain ? part.picture : part.overlay, canvas = at("large");
  canvas.dataset.wanted = wanted;
  const layer = await picture(wanted);
  if (canvas.dataset.wanted !== wanted) return; // another was asked for meanwhile
  [canvas.width, canvas.height] = size; // an overlay's legend lies below that, and is on the page already
  canvas.getContext("2d").drawImage(layer, 0, 0);
  canvas.dataset.painted = wanted;
}

function open(index) {
  current = index;
  slice = inputs[index].worst;
  draw();
  if (!viewer.open) viewer.showModal();
}

function step(by) {
  const rows = shown(), next = rows[rows.indexOf(cards[current]) + by];
  if (next) open(Number(next.dataset.row));
}

function turn(by) {
  slice = Math.min(Math.max(slice + by, 0), inputs[current].slices.length - 1);
  draw();
}

function focusCard(event) {
  const rows = shown();
  if (!rows.length || event.target.matches("input, button")) return;
  const now = rows.indexOf(document.activeElement.closest(".card"));
  const wide = rows.filter((card) => card.offsetTop === rows[0].offsetTop).length;
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide }[event.key];
  if (!by) return;
  event.preventDefault();
  const next = now < 0 ? 0 : Math.min(Math.max(now + by, 0), rows.length - 1);
  rows[next].querySelector("a").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (!viewer.open) return focusCard(event);
  const sliding = event.target === at("slice");
  if (event.key === "ArrowRight" && !sliding) step(1);
  else if (event.key === "ArrowLeft" && !sliding) step(-1);
  else if (event.key === "ArrowUp" && !sliding) turn(-1);
  else if (event.key === "ArrowDown" && !sliding) turn(1);
  else if (event.key === " " && event.target.tagName !== "BUTTON") { plain = !plain; draw(); }
  else return;
  event.preventDefault();
});
at("cards").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(Number(link.closest(".card").dataset.row));
});
viewer.addEventListener("close", () => cards[current].querySelector("a").focus());
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
at("close").addEventListener("click", () => viewer.close());
at("before").addEventListener("click", () => step(-1));
at("after").addEventListener("click", () => step(1));
at("plain").addEventListener("click", () => { plain = !plain; draw(); });
at("slice").addEventListener("input", () => { slice = Number(at("slice").value); draw(); });
at("filter").addEventListener("input", filter);
at("filter").addEventListener("submit", (event) => event.preventDefault());
at("legend").append(document.querySelector(".bar div").cloneNode(true), document.querySelector(".bar figcaption").cloneNode(true));
at("filter").hidden = false;
