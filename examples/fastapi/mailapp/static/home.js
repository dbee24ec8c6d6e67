function showNews({ connected, webhooks }) {
  show("status", connected ? "Gmail is connected." : "Gmail is not connected.");
  document.getElementById("status").className = connected ? "on" : "";
  const link = connected
    ? element("a", "Read your messages", { href: "/inbox/", className: "button" })
    : element("a", "Connect Gmail", {
        href: "/api/vendo/connect/gmail/?next=/", className: "vendo-connect",
      });
  show("next", link);
  if (webhooks.length) show("webhooks", ...webhooks.map(row));
}

function row({ type, slug, at }) {
  const name = element("span", `${type} ${slug ?? ""}`);
  const line = element("li", name, { className: "event" });
  if (at) {
    const time = `${at.slice(11, 19)} UTC`;
    line.append(element("time", time, { dateTime: at, className: "soft" }));
  }
  return line;
}

function listen() {
  const socket = new WebSocket("/api/live");
  socket.onmessage = (message) => showNews(JSON.parse(message.data));
  socket.onclose = () => setTimeout(listen, 1000);
}

user.then((who) => {
  if (who === null) return show("status", "Sign in to connect your account.");
  listen();
});
