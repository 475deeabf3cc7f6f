// MathJax from JupyterLab's chunks, without JupyterLab: a module table, then one run over the page.
(() => {
  const base = new URL(".", document.currentScript.src).href;
  const modules = {}, done = {};
  const take = ([, found]) => Object.assign(modules, found);
  const need = (id) => {
    if (!done[id]) {
      done[id] = { exports: {} };
      modules[id].call(done[id].exports, done[id], done[id].exports, need);
    }
    return done[id].exports;
  };
  need.o = (owner, name) => Object.prototype.hasOwnProperty.call(owner, name);
  need.d = (owner, getters) => {
    for (const name in getters) {
      if (!need.o(owner, name)) Object.defineProperty(owner, name, { enumerable: true, get: getters[name] });
    }
  };
  need.r = (owner) => Object.defineProperty(owner, "__esModule", { value: true });
  need.n = (owner) => {
    const getter = () => (owner && owner.__esModule ? owner.default : owner);
    need.d(getter, { a: getter });
    return getter;
  };
  need.g = window;
  /*CHUNKS*/
  const ids = /*MODULES*/;
  const part = (name) => need(ids[name])[name];
  const typeset = () => {
    const { mathjax } = need(ids.mathjax);
    const html = new (part("HTMLHandler"))(part("browserAdaptor")());
    mathjax.handlers.register(part("AssistiveMmlHandler")(html));
    const pages = mathjax.document(document, {
      InputJax: new (part("TeX"))({
        packages: part("AllPackages"),
        inlineMath: [["\\(", "\\)"]],
        displayMath: [["\\[", "\\]"]],
      }),
      OutputJax: new (part("CHTML"))({ fontURL: base.replace(/\/$/, "") }),
    });
    pages.options.elements = [...document.querySelectorAll(".math")];
    pages.render();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", typeset);
  else typeset();
})();
