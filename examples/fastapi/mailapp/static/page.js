// Untrusted text is added as text, never as HTML.
function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(text);
  return made;
}

function show(id, ...parts) {
  document.getElementById(id).replaceChildren(...parts);
}

const user = fetch("/api/vendo/identity").then((response) => (response.ok ? response.json() : null));

user.then((who) => {
  const signIn = element("a", "Sign in", { href: "/__vendo/auth/login" });
  if (who === null) return show("who", signIn);
  show("who", `${who.name || who.email} · `, element("a", "Sign out", { href: who.logout_url }));
});
