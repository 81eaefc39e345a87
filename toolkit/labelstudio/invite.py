"""An account on another server, made through its invitation link: its API makes none that can log in."""

from __future__ import annotations

import re

from toolkit.errors import InputError, ServiceError
from toolkit.labelstudio.transport import Transport


def sign_up(transport: Transport, email: str, password: str) -> str:
    """Sign up with the organization's invitation and return a personal access token of the new account.

    :class:`InputError` where the server refuses the address or the password, with its reason.
    """
    import httpx

    answer = transport.page("api/invite", {})
    link = answer.get("invite_url") if isinstance(answer, dict) else None
    if not isinstance(link, str):
        raise ServiceError(f"{transport.url} gives no invitation: is the token that of the organization's owner?")
    address = link if link.startswith("http") else transport.url + link
    # By hand, as a browser would: the SDK knows no way to sign up.
    with transport.translated(), httpx.Client(timeout=60, follow_redirects=True, trust_env=transport.trusts) as browser:
        page = browser.get(address)
        form = {"email": email, "password": password, "csrfmiddlewaretoken": _hidden(page.text)}
        made = browser.post(address, data=form, headers={"Referer": address})
        if browser.get(f"{transport.url}/api/current-user/whoami").status_code != 200:
            said = re.findall(r'class="[^"]*error[^"]*"[^>]*>\s*(?:<li>)?\s*([^<]+)', made.text)
            raise InputError(
                f"{transport.url} made no account for {email}: {said[0].strip() if said else f'status {made.status_code}'}",
                hint="is the address taken, or sign-up by invitation turned off?",
            )
        headers = {"Referer": transport.url, "X-CSRFToken": browser.cookies.get("csrftoken") or ""}
        token = browser.post(f"{transport.url}/api/token/", json={}, headers=headers).json().get("token")
    if not isinstance(token, str):
        raise ServiceError(
            f"{transport.url} made the account {email}, but gave no token", hint="make one by hand there"
        )
    return token


def _hidden(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    return found[1] if found else ""
