"use strict";
// The frames of an explorer: groups of SVG are kept once, a frame is runs of numbers.
for (const root of document.querySelectorAll("figure.explorer")) {
  const film = JSON.parse(root.querySelector("script").textContent);
  const image = root.querySelector("img");
  const says = root.querySelector(".says");
  const shown = root.querySelector(".shown span");
  const controls = [...root.querySelectorAll("[data-axis]")];
  const boxes = [...root.querySelectorAll("[data-box]")];
  const picked = film.axes.map((axis) => axis.start);
  const sets = film.axes.findIndex((axis) => axis.sets);

  const svg = (runs) => runs.split(",").flatMap((run) => {
    const [first, last] = run.split("-").map(Number);
    return film.groups.slice(first, (last ?? first) + 1);
  }).join("\n");

  const frame = (places) => film.table[
    places.reduce((number, place, axis) => number * film.axes[axis].texts.length + place, 0)];

  const show = (number) => {
    const [runs, sentence, settings] = film.frames[number];
    image.src = "data:image/svg+xml," + encodeURIComponent(svg(runs));
    image.alt = says.textContent = sentence;
    shown.textContent = settings;
    for (const control of controls) {
      const axis = Number(control.dataset.axis);
      control.value = picked[axis];
      if (control.type === "range") {
        const text = film.axes[axis].texts[picked[axis]];
        control.setAttribute("aria-valuetext", text);
        control.nextElementSibling.textContent = text;
      }
    }
    const failed = sets < 0 ? [] : film.axes[sets].sets[picked[sets]];
    for (const box of boxes) {
      box.setAttribute("aria-pressed", failed.includes(box.dataset.box));
    }
  };

  // A move changes what it names and leaves all else as it is.
  const move = (change) => {
    for (const [axis, place] of Object.entries(change)) picked[axis] = place;
    show(frame(picked));
  };
  const reset = () => move(Object.fromEntries(film.axes.map((axis, k) => [k, axis.start])));

  for (const control of controls) {
    const axis = Number(control.dataset.axis);
    control.addEventListener("input", () => move({ [axis]: Number(control.value) }));
  }
  for (const button of root.querySelectorAll("[data-preset]")) {
    const preset = film.presets[button.dataset.preset];
    button.addEventListener("click", () => preset ? move(preset) : reset());
  }
  for (const box of boxes) {
    box.addEventListener("click", () => {
      const failed = new Set(film.axes[sets].sets[picked[sets]]);
      if (!failed.delete(box.dataset.box)) failed.add(box.dataset.box);
      const place = film.axes[sets].sets.findIndex((set) =>
        set.length === failed.size && set.every((name) => failed.has(name)));
      if (place >= 0) move({ [sets]: place });
    });
  }
  const lift = () => {
    root.querySelector(".controls").hidden = false;
    root.querySelector(".veil")?.remove();
    for (const box of boxes) box.hidden = false;
    reset();
  };
  root.querySelector("[data-play]")?.addEventListener("click", () => show(film.play));
  if (film.veil === null) lift();
  else {
    root.querySelector("[data-open]").addEventListener("click", lift);
    root.addEventListener("guessed", lift, { once: true });
  }
}

// A prediction: its fold opens once there is a guess, says it, and lifts the veil.
const explorers = [...document.querySelectorAll("figure.explorer")];
for (const form of document.querySelectorAll("form.prediction")) {
  const inputs = [...form.querySelectorAll("input")];
  const fold = form.querySelector("details");
  fold.querySelector("summary").addEventListener("click", (event) => {
    if (!fold.open && !form.reportValidity()) event.preventDefault();
  });
  fold.addEventListener("toggle", () => {
    for (const input of inputs) {
      input.readOnly = fold.open;
      form.querySelector(`[data-said="${input.id}"]`).textContent =
        fold.open ? `you said ${input.value}, ` : "";
    }
    const next = explorers.find((each) =>
      form.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (fold.open) next?.dispatchEvent(new Event("guessed"));
  });
  form.addEventListener("submit", (event) => event.preventDefault());
}

// Code can be copied, headings searched.
for (const block of document.querySelectorAll("pre.code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
  });
  block.before(button);
}
document.getElementById("find")?.addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = document.querySelector(".found");
  list.hidden = !words.length;
  for (const item of list.children) {
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
});

// What is wider than the page can be reached and scrolled by keyboard; paper opens folds.
for (const wide of document.querySelectorAll(".wide, .formula, pre")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
