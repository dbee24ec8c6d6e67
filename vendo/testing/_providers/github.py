"""GitHub: the user of the token, a repository and its issues."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json, Request


def _user(request: Request, user: str | None, _rest: str) -> Response:
    return json_response(_owner(_address_of(request), user or "local-owner"))


def _owner(address: str, login: str) -> dict[str, Json]:
    return {
        "login": login,
        "id": 10_000_001,
        "node_id": "U_local",
        "type": "User",
        "site_admin": False,
        "name": "Local",
        "url": f"{address}/users/{login}",
        "html_url": f"https://github.com/{login}",
    }


def _repositories(request: Request, user: str | None, _rest: str) -> Response:
    return json_response([_repository(_address_of(request), user or "local-owner", "local")])


def _repository(address: str, owner: str, name: str) -> dict[str, Json]:
    return {
        "id": 20_000_001,
        "node_id": "R_local",
        "name": name,
        "full_name": f"{owner}/{name}",
        "private": False,
        "owner": _owner(address, owner),
        "default_branch": "main",
        "url": f"{address}/repos/{owner}/{name}",
        "html_url": f"https://github.com/{owner}/{name}",
    }


def _issue(address: str, owner: str, name: str, title: str) -> dict[str, Json]:
    return {
        "id": 30_000_001,
        "node_id": "I_local",
        "number": 1,
        "title": title,
        "state": "open",
        "user": _owner(address, owner),
        "url": f"{address}/repos/{owner}/{name}/issues/1",
    }


def _below_repositories(request: Request, _user: str | None, rest: str) -> Response:
    owner, name, *below = [*rest.split("/"), ""]
    address, is_new = _address_of(request), request.method == "POST"
    if below == [""] and not is_new:
        return json_response(_repository(address, owner, name))
    if below != ["issues", ""]:
        return _missing()
    if not is_new:
        return json_response([_issue(address, owner, name, "Local")])
    title = str(fields_of(request).get("title", ""))
    return json_response(_issue(address, owner, name, title), 201)


def _missing() -> Response:
    page = "https://docs.github.com/rest"
    return json_response({"message": "Not Found", "documentation_url": page, "status": "404"}, 404)


def _address_of(request: Request) -> str:
    """Return the address of this provider, below which SDKs follow the URLs of a response."""
    before, provider, _ = request.path.partition("/providers/github")
    return f"http://{request.headers.get('Host', '')}{before}{provider}"


ROUTES = {
    "GET /user": _user,
    "GET /user/repos": _repositories,
    "GET /repos/*": _below_repositories,
    "POST /repos/*": _below_repositories,
}
