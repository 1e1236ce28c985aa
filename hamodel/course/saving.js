// What a learner saves in the browser's lab is a notebook that opens again: the views of
// widgets, which only the kernel of today can show, stay out of it.  And a link leads back
// to the pages of the course, where the lab lies beside them.
const linkBack = async (app) => {
  const there = new URL("../../index.html", location.href);
  const found = await fetch(there);  // without the pages this is a page of the lab's own
  if (!found.ok || !(await found.text()).includes("hamodel · the course")) return;
  const link = document.createElement("a");
  link.textContent = "this page of the course";
  link.target = "_blank";
  link.style = "align-self: center; margin-left: auto; padding: 0 1em; color: inherit";
  const lead = () => {
    const path = app.shell.currentWidget?.context?.path ?? "";
    link.href = new URL(path.replace(/\.ipynb$/, ".html") || "index.html", there);
  };
  for (const event of ["click", "auxclick", "focus"]) link.addEventListener(event, lead);
  lead();
  document.querySelector("#jp-top-panel").append(link);
};
const plugin = {
  id: "hamodel-saving:plugin",
  autoStart: true,
  activate: (app) => {
    const contents = app.serviceManager.contents;
    const save = contents.save.bind(contents);
    contents.save = (path, options = {}) => {
      if (options.type !== "notebook" || !options.content?.cells) return save(path, options);
      const content = structuredClone(options.content);
      for (const output of content.cells.flatMap((cell) => cell.outputs ?? [])) {
        for (const part of ["data", "metadata"]) delete output[part]?.["WIDGET_VIEW"];
      }
      return save(path, { ...options, content });
    };
    app.restored.then(() => linkBack(app));
  },
};
(globalThis._JUPYTERLAB ??= {})["hamodel-saving"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
