/* Starts the stepper in a page of its own: unpacks the parts, runs the module, and where the page is
   a notebook's output takes over the notebook's theme and hides the static picture beside it. */
(() => {
  const element = document.querySelector("body > div");

  async function part(name) {
    const { type, textContent } = document.querySelector("script[data-part=" + name + "]");
    if (type === "application/json") return JSON.parse(textContent);
    const bytes = Uint8Array.from(atob(textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /* An inline script, which the page's policy allows; eval and imports it does not. */
  function run(module) {
    const script = document.createElement("script");
    script.textContent = "window.stepper = (() => {" + module.replace("export default", "return") + "})();";
    document.head.append(script);
    return window.stepper;
  }

  function frame() {
    try {
      return window.frameElement;
    } catch (error) {
      return null;
    }
  }

  /* JupyterLab and VS Code say on the body whether they are dark. */
  function themeOf(body) {
    const { jpThemeLight, vscodeThemeKind } = body.dataset;
    if (jpThemeLight !== undefined) return jpThemeLight === "true" ? "light" : "dark";
    if (vscodeThemeKind !== undefined) return vscodeThemeKind.includes("light") ? "light" : "dark";
    return "";
  }

  async function start() {
    const [{ module, css }, data] = await Promise.all([part("code"), part("data")]);
    const around = frame();
    const body = around && around.ownerDocument.body;
    const state = { ...data, css, theme: body ? themeOf(body) : "" };
    run(module).render({
      model: { get: (name) => state[name], set: (name, value) => { state[name] = value; }, on: () => {} },
      el: element,
    });
    performance.mark("stepper");
    if (!around) {
      element.firstChild.shadowRoot.querySelector(".stepper").focus();
      return;
    }
    if (state.theme) {
      const follow = () => { element.firstChild.dataset.theme = themeOf(body); };
      new MutationObserver(follow).observe(body, { attributes: true });
    }
    const fallback = around.parentNode.querySelector("details");
    if (fallback) fallback.style.display = "none";
  }

  start().catch((error) => {
    element.textContent = "The stepper could not start: " + error.message;
    throw error;
  });
})();
