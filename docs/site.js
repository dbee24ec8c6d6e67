// Mend in a page what the theme leaves out: for the keyboard, for screen readers, and in tables.
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  // Lists of pages take their names from labels that can be empty. The title of the list is not.
  for (const list of all("nav[aria-labelledby]")) {
    list.setAttribute("aria-label", list.querySelector(".md-nav__title").textContent.trim());
    list.removeAttribute("aria-labelledby");
  }

  // Long code in a table breaks between words, and after the dots of a name that is not the first.
  for (const code of all("td code")) {
    const first = code.closest("td").cellIndex === 0;
    const words = code.textContent.split(first ? /(?<= )/ : /(?<= |\.)/);
    if (code.children.length || words.length < 2 || code.textContent.length < 24) continue;
    code.replaceChildren(...words.flatMap((word) => [word, document.createElement("wbr")]));
  }

  // What scrolls can be scrolled with the keyboard.
  const reach = () => {
    for (const box of all(".md-typeset__scrollwrap, .md-typeset pre > code")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  // Copy buttons, and the lists in a table of contents, are not further regions of the page.
  const calm = () => {
    for (const nav of all(".md-code__nav:not([role]), .md-nav--secondary .md-nav:not([role])")) {
      nav.removeAttribute("aria-label");
      nav.setAttribute("role", "none");
    }
  };

  // The theme adds buttons and boxes later.
  const mend = () => {
    reach();
    calm();
  };
  let due = 0;
  const soon = () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(mend);
  };
  mend();
  addEventListener("resize", soon);
  new MutationObserver(soon).observe(document.querySelector("main"), {
    childList: true,
    subtree: true,
  });
})();
