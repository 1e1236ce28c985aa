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
  const presets = [...root.querySelectorAll("[data-preset]")];

  // The scene that differs from the one now in one control; -1 where the page has none.
  const scene = film.axes.findIndex((axis) => axis.scenes);
  const reach = (part, place) => {
    const { scenes } = film.axes[scene];
    return scenes.findIndex((each) =>
      each.every((at, k) => at === (k === part ? place : scenes[picked[scene]][k])));
  };
  const after = (axis, place) => Array.isArray(place) ? place[picked[axis]] : place;

  const svg = (runs) => runs.split(",").flatMap((run) => {
    const [first, last] = run.split("-").map(Number);
    return film.groups.slice(first, (last ?? first) + 1);
  }).join("\n");

  const frame = (places) => film.table[
    places.reduce((number, place, axis) => number * film.axes[axis].texts.length + place, 0)];

  // What a guess adds: words that stand still, and words of one field by its marks.
  let guess = null;
  let shownNow = 0;
  const ghost = (number) => guess && film.ghosts[number] ? film.ghosts[number].map((line) =>
    line.map((part) => typeof part === "string" ? part : part[1][guess[part[0]]]).join("")
    + "\n").join("") : "";

  const show = (number) => {
    shownNow = number;
    const [runs, sentence, settings, added] = film.frames[number];
    const picture = svg(runs).replace(/<\/svg>$/, () => ghost(added) + "</svg>");
    image.src = "data:image/svg+xml," + encodeURIComponent(picture);
    image.alt = says.textContent = sentence;
    shown.textContent = settings;
    for (const control of controls) {
      const axis = Number(control.dataset.axis);
      const part = control.dataset.part;
      control.value = part ? film.axes[axis].scenes[picked[axis]][part] : picked[axis];
      if (part) for (const option of control.options) {
        option.disabled = reach(Number(part), Number(option.value)) < 0;
      }
      if (control.type === "range") {
        const text = film.axes[axis].texts[picked[axis]];
        control.setAttribute("aria-valuetext", text);
        control.nextElementSibling.textContent = text;
      }
    }
    for (const button of presets) {
      const named = Object.entries(film.presets[button.dataset.preset] ?? {});
      button.disabled = named.some(([axis, place]) => after(axis, place) < 0);
      button.title = button.disabled ? "Not with all that is chosen; Reset first" : "";
    }
    const failed = sets < 0 ? [] : film.axes[sets].sets[picked[sets]];
    for (const box of boxes) {
      box.setAttribute("aria-pressed", failed.includes(box.dataset.box));
    }
  };

  // A move changes what it names and leaves all else as it is.
  const move = (change) => {
    for (const [axis, place] of Object.entries(change)) picked[axis] = after(axis, place);
    show(frame(picked));
  };
  const reset = () => move(Object.fromEntries(film.axes.map((axis, k) => [k, axis.start])));

  for (const control of controls) {
    const axis = Number(control.dataset.axis);
    const place = () => Number(control.value);
    const { part } = control.dataset;
    control.addEventListener("input", () =>
      move({ [axis]: part ? reach(Number(part), place()) : place() }));
  }
  for (const button of presets) {
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
  else root.querySelector("[data-open]").addEventListener("click", lift);
  root.addEventListener("guessed", (event) => {
    guess = event.detail;
    if (guess && root.querySelector(".veil")) lift();
    else show(shownNow);
  });
}

// What was guessed and answered here is kept by this browser, and by nothing else.
const kept = (key, value) => {
  const name = `hamodel ${location.pathname.split("/").pop()} ${key}`;
  try {
    if (value === undefined) return JSON.parse(localStorage.getItem(name));
    localStorage.setItem(name, JSON.stringify(value));
  } catch { return null; }
};

// A prediction: its fold opens once there is a guess, says it, and lifts the veil.  A
// guess is taken to the nearest mark of its scale, where the page has words for it.
const explorers = [...document.querySelectorAll("figure.explorer")];
for (const form of document.querySelectorAll("form.prediction")) {
  const inputs = [...form.querySelectorAll("input")];
  const fold = form.querySelector("details");
  const views = JSON.parse(form.querySelector("script").textContent);
  const nearest = (grid, value) => grid.reduce((best, each, k) =>
    Math.abs(each - value) < Math.abs(grid[best] - value) ? k : best, 0);
  const marks = () => inputs.map((input, k) => nearest(views.grids[k], input.valueAsNumber));
  const comment = () => {
    const at = marks();
    inputs.forEach((input, k) => { input.value = views.grids[k][at[k]]; });
    return views.said[views.at[at.reduce((n, place, k) => n * views.grids[k].length + place, 0)]];
  };
  const answered = () => {
    const given = fold.open && inputs.every((input) => input.value); // paper opens folds too
    form.querySelector(".comment").textContent = given ? comment() : "";
    for (const input of inputs) {
      input.readOnly = given;
      form.querySelector(`[data-said="${input.id}"]`).textContent =
        given ? `you said ${input.value}, ` : "";
    }
    kept(form.id, given ? inputs.map((input) => input.value) : null);
    const next = explorers.find((each) =>
      form.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING);
    next?.dispatchEvent(new CustomEvent("guessed", { detail: given ? marks() : null }));
  };
  fold.querySelector("summary").addEventListener("click", (event) => {
    if (fold.open) return;
    if (!form.reportValidity()) { event.preventDefault(); return; }
    const words = comment();
    if (words.startsWith("That cannot be")) {
      event.preventDefault();
      inputs.at(-1).setCustomValidity(words);
      form.reportValidity();
    }
  });
  for (const input of inputs) {
    input.addEventListener("input", () => inputs.at(-1).setCustomValidity(""));
  }
  fold.addEventListener("toggle", answered);
  form.addEventListener("submit", (event) => event.preventDefault());
  const before = kept(form.id);
  if (before) {
    inputs.forEach((input, k) => { input.value = before[k]; });
    fold.open = true;
  }
}

// A number is checked here as the notebook does it: right, a known mistake, a usual slip.
const near = (a, b, within) => Math.abs(a - b) <= within * Math.max(Math.abs(a), Math.abs(b));
const answer = (data, text, tries) => {
  const plain = text.trim().replace(/^(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?)$/, (all) => all.replaceAll(",", ""));
  const given = plain === "" ? NaN : Number(plain);
  if (Number.isNaN(given)) return ["✗", "That cannot be read. Write a number, as 12 or 0.33."];
  const [right, within, words] = data.right;
  if (near(given, right, within)) return ["✓", `Right. ${words}`];
  const known = data.known.find(([value, reach]) => near(given, value, reach));
  if (known) return ["✗", `Not yet. ${known[2]}`];
  const ratio = Math.abs(given / right);
  if (right && ratio > 0.7 && ratio < 1.4) {
    const much = given > right ? "large" : "small";
    return ["✗", `Not yet. Not far off, but too ${much}: one part of it is missing or doubled.`];
  }
  return ["✗", `Not yet. ${data.hints[Math.min(tries, 1)]}`];
};
for (const form of document.querySelectorAll("form.check")) {
  const data = JSON.parse(form.querySelector("script").textContent);
  const input = form.querySelector("input");
  let tries = 0;
  const say = () => {
    const [mark, words] = answer(data, input.value, tries);
    form.querySelector("[role=status]").textContent = `${mark} ${words}`;
    if (mark === "✗") tries += 1;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say();
    kept(input.id, input.value);
  });
  const before = kept(input.id);
  if (before) { input.value = before; say(); }
}

// A quiz keeps what was chosen.
for (const form of document.querySelectorAll("form.quiz")) {
  const options = [...form.querySelectorAll("input")];
  for (const place of kept(form.id) ?? []) options[place].checked = true;
  form.addEventListener("change", () =>
    kept(form.id, options.flatMap((option, place) => option.checked ? [place] : [])));
}

// The map says how much of each lesson was answered here.
const answers = "form.prediction, form.check, form.quiz";
kept("of", document.querySelectorAll(answers).length || null);
for (const row of document.querySelectorAll("[data-page]")) {
  const name = (key) => `hamodel ${row.dataset.page} ${key}`;
  try {
    const of = JSON.parse(localStorage.getItem(name("of")));
    const done = Object.keys(localStorage).filter((key) =>
      key.startsWith(name("p")) && !["null", "[]"].includes(localStorage.getItem(key))).length;
    if (of && done) row.textContent = `${done} of ${of} answered`;
  } catch { /* nothing is kept here */ }
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
