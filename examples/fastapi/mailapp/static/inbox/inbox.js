const query = new URLSearchParams(location.search).get("q") ?? "";
document.getElementById("q").value = query;

function row(message) {
  const line = element("li", "", { className: "mail" });
  const face = element("span", message.sender.slice(0, 1).toUpperCase(), { className: "face" });
  face.ariaHidden = "true";
  const subject = element("div", message.subject, { className: message.unread ? "unread" : "" });
  if (message.unread) subject.append(" ", element("span", "(unread)", { className: "hidden" }));
  line.append(face, subject, element("div", message.sender, { className: "soft" }));
  line.append(element("div", message.snippet));
  return line;
}

async function load() {
  const response = await fetch(`/api/messages?q=${encodeURIComponent(query)}`);
  const found = await response.json();
  if (response.status === 401) {
    const signIn = element("a", "Sign in", { href: "/__vendo/auth/login" });
    const line = element("p", signIn);
    line.append(" to read your messages.");
    show("content", line);
  } else if (response.status === 424) {
    // Not by itself: a user who denies comes back to this page.
    const denied = new URLSearchParams(location.search).get("vendo_connect") === "denied";
    const status = denied ? "You did not connect Gmail." : "Gmail is not connected.";
    const connect = element("a", "Connect Gmail", {
      href: found.error.connect_url, className: "vendo-connect",
    });
    show("content", element("p", status, { role: "status" }), connect);
  } else if (response.ok) {
    show("count", `${found.length} message${found.length === 1 ? "" : "s"}`);
    const nothing = element("li", "No messages found.", { className: "soft" });
    show("messages", ...(found.length ? found.map(row) : [nothing]));
  } else {
    show("count", "Gmail does not respond. Try again later.");
  }
}

load();
