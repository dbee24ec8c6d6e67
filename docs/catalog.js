// The filter of the catalog: hide the rows that do not match. It keeps nothing.
(() => {
  const place = document.getElementById("filter");
  if (!place) return;

  // Slug, name, variables and hosts; the fourth column is how a credential is sent.
  const SEARCHED = [0, 1, 2, 4];
  const groups = [...document.querySelectorAll("article h2")]
    .map((heading) => {
      const rows = [...(heading.nextElementSibling?.querySelectorAll("tbody tr") ?? [])].map((row) => ({
        row,
        text: SEARCHED.map((at) => row.cells[at].textContent).join(" ").toLowerCase(),
      }));
      return { heading, rows, name: heading.firstChild.textContent };
    })
    .filter(({ rows }) => rows.length);
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);

  place.innerHTML = `
    <form role="search" aria-label="Catalog" autocomplete="off">
      <p><label for="filter-text">Filter</label>
        <input id="filter-text" type="search" autocomplete="off" spellcheck="false"
          autocapitalize="none" placeholder="slug, name, variable or host"></p>
      <p><label for="filter-category">Category</label>
        <select id="filter-category" autocomplete="off"><option value="">All</option></select></p>
    </form>
    <p role="status"></p>`;
  const [form, text, category, status] = ["form", "input", "select", "[role=status]"].map(
    (selector) => place.querySelector(selector),
  );
  for (const { name } of groups) category.add(new Option(name));

  const show = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { heading, rows, name } of groups) {
      const chosen = !category.value || category.value === name;
      let shown = 0;
      for (const { row, text } of rows) {
        row.hidden = !(chosen && words.every((word) => text.includes(word)));
        if (!row.hidden) shown += 1;
      }
      heading.hidden = heading.nextElementSibling.hidden = !shown;
      count += shown;
    }
    status.textContent = count === total ? `${total} providers` : `${count} of ${total} providers`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
