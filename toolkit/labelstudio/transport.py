"""Requests to a Label Studio through its SDK: retries where they do no harm, and every failure in our words.

The SDK looks after tokens (a personal access token is exchanged for short-lived ones) and encoding. What it does
that would hurt here is turned off: it repeats writes whose answer was lost, follows redirects to a log-in page, and
takes any 404 for the end of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from toolkit.errors import InputError, ServiceError
from toolkit.labelstudio.environment import scrub

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio
    from label_studio_sdk.core.request_options import RequestOptions

READ: RequestOptions = {"max_retries": 1}
WRITE: RequestOptions = {"max_retries": 0}
BULK_WRITE: RequestOptions = {"max_retries": 0, "timeout": 600.0}
_SECONDS, _CONNECT_SECONDS = 120.0, 10.0
_PAGE = 1000
_URL_HINT = "check label_studio.url in docposts.toml; for the embedded server: docposts studio up"
_TOKEN_HINT = "make a new token in Label Studio (Account & Settings), or for the embedded server: docposts studio up"


class AnswerLost(ServiceError):
    """The connection broke after a request was sent: what it asked for may have been done, or not."""


class Refused(ServiceError):
    """The server understood and said no; ``status`` is HTTP's number for why."""

    def __init__(self, message: str, *, status: int | None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Transport:
    """One server and one token; ``sdk`` is the SDK's client, to be used inside :meth:`translated`."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{scrub(url) or 'an empty text'} is not the address of a Label Studio", hint=_URL_HINT)
        if parts.username or parts.password:
            raise InputError("the address of Label Studio must hold no password", hint=_URL_HINT)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InputError("that is no Label Studio token: it is empty or was not copied whole", hint=_TOKEN_HINT)
        # The slash at the end keeps a path prefix through the SDK's token exchange.
        self.url = url.rstrip("/")
        # A proxy of the user's environment cannot reach this machine's own server.
        self.trusts = parts.hostname not in ("localhost", "127.0.0.1", "::1")
        with self.translated():
            self.sdk = self._client(token)

    def _client(self, token: str) -> LabelStudio:
        import httpx
        from label_studio_sdk import LabelStudio

        client = httpx.Client(
            timeout=httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS), follow_redirects=False, trust_env=self.trusts
        )
        client_class: Any = LabelStudio  # its constructor is not typed
        sdk: LabelStudio = client_class(base_url=self.url + "/", api_key=token, httpx_client=client, max_retries=0)
        return sdk

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn whatever goes wrong inside into :class:`ServiceError`; nothing of the request is repeated in it."""
        import httpx
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            if "SSL" in str(error):
                raise self._no_tls(str(error)) from None
            raise ServiceError(f"no Label Studio answers at {self.url}: {scrub(str(error))}", hint=_URL_HINT) from None
        except httpx.TransportError as error:
            raise AnswerLost(
                f"the connection to {self.url} broke before it answered ({type(error).__name__})",
                hint="run the command again: it goes on from what was done",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(f"{self.url} cannot be asked ({type(error).__name__})", hint=_URL_HINT) from None
        except ApiError as error:
            raise self._refused(error.status_code, error.body) from None
        except (json.JSONDecodeError, UnicodeDecodeError, ParsingError):
            raise ServiceError(f"the answer of {self.url} is not the JSON of a Label Studio", hint=_URL_HINT) from None

    def _no_tls(self, said: str) -> ServiceError:
        if "CERTIFICATE_VERIFY_FAILED" in said:
            why = said.partition("verify failed: ")[2].partition(" (_ssl")[0] or "it is not trusted"
            return ServiceError(
                f"the certificate of {self.url} does not hold: {scrub(why)}",
                hint="with a certificate authority of your own: SSL_CERT_FILE=/path/to/ca.pem; nothing was sent",
            )
        return ServiceError(
            f"no TLS connection to {self.url}: {scrub(said)}", hint="does the server speak https at that port?"
        )

    def _refused(self, status: int | None, body: Any) -> ServiceError:
        said = _detail(body)
        if status in (401, 403):
            return ServiceError(f"{self.url} refused the token ({status})", hint=_TOKEN_HINT)
        if isinstance(body, str) and (status is None or status < 400 or _is_html(body)):
            where = " (it redirects elsewhere)" if status is not None and 300 <= status < 400 else ""
            return ServiceError(
                f"{self.url} did not answer as a Label Studio does: status {status}{where}", hint=_URL_HINT
            )
        if status in (502, 503, 504):
            return AnswerLost(f"{self.url} is not available just now (status {status})", hint="try again in a while")
        if status == 429:
            return Refused(f"{self.url} is asked too much (status 429)", status=status, hint="try again in a while")
        if status is not None and status >= 500:
            return ServiceError(f"{self.url} failed with status {status}: {said}", hint="look into the server's log")
        return Refused(f"{self.url} refused the request (status {status}): {said}", status=status)

    def page(self, path: str, parameters: Mapping[str, Any]) -> Any:
        """Return the JSON of a GET as it is: the SDK's models would reshape it, its pager end it early."""
        with self.translated():
            # The SDK's own client for requests: it has no public door that leaves the answer alone.
            response = self.sdk._client_wrapper.httpx_client.request(
                path, method="GET", params=dict(parameters), request_options=READ
            )
            if not response.is_success:
                try:
                    body = response.json()
                except ValueError:
                    body = response.text
                raise self._refused(response.status_code, body)
            return response.json()

    def tasks(
        self, project_id: int, include: str, *, since: str | None = None, after: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Yield a project's tasks by id, each once, fetched by key, so that what comes and goes meanwhile moves none.

        ``since``: those changed then or later; ``after``: those with ids above it. :class:`ServiceError` where a page
        holds fewer tasks than the server itself counts.
        """
        last = after
        while True:
            wanted = [{"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": last}]
            if since is not None:
                at = {"operator": "greater_or_equal", "type": "Datetime", "value": since}
                wanted.append({"filter": "filter:tasks:updated_at", **at})
            query = {"filters": {"conjunction": "and", "items": wanted}, "ordering": ["tasks:id"]}
            answer = self._task_page(project_id, include, query, _PAGE)
            tasks, total = self._checked_page(answer, last)
            yield from tasks
            if total <= len(tasks):
                return
            last = tasks[-1]["id"]

    def _task_page(self, project_id: int, include: str, query: Mapping[str, Any], size: int) -> Any:
        return self.page(
            "api/tasks",
            {
                "project": project_id,
                "fields": "all",
                "include": include,
                # Without this the names in "include" are taken for the annotations' fields too: ids alone come.
                "expand": "annotations",
                "page": 1,
                "page_size": size,
                "query": json.dumps(query),
            },
        )

    def newest_change(self, project_id: int) -> str | None:
        """Return when a task of the project changed last, as the server writes it; None where it has none."""
        answer = self._task_page(project_id, "id,updated_at", {"ordering": ["-tasks:updated_at"]}, 1)
        try:
            return str(answer["tasks"][0]["updated_at"]) if answer["tasks"] else None
        except (KeyError, TypeError, IndexError):
            raise ServiceError(f"{self.url} does not say when tasks changed") from None

    def _checked_page(self, answer: Any, last: int) -> tuple[list[dict[str, Any]], int]:
        try:
            tasks, total = answer["tasks"], int(answer["total"])
            numbers = [int(task["id"]) for task in tasks]
        except (KeyError, TypeError, ValueError):
            raise ServiceError(f"{self.url} answered a list of tasks that cannot be read") from None
        if len(tasks) != min(total, _PAGE) or numbers != sorted(set(numbers)) or (numbers and numbers[0] <= last):
            raise ServiceError(
                f"{self.url} answered {len(tasks)} of {total} tasks after task {last}: the list is not whole",
                hint="try again; if it stays, look into the server's log",
            )
        return tasks, total


def check_text(value: Any, where: str) -> None:
    """Refuse, before it is sent, what would make the server's lists fail for good, or its database refuse a batch.

    That is a lone surrogate, a NaN, or NUL, which PostgreSQL cannot store. :class:`InputError` names the place.
    """
    if _holds_nul(value):
        raise InputError(f"{where}: holds U+0000 (NUL), which not every server can store")
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        bad = error.object[error.start]
        raise InputError(
            f"{where}: holds U+{ord(bad):04X}, half of a character (a lone surrogate), which no server can store"
        ) from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: cannot be written as JSON: {error}") from None


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))


def _is_html(body: str) -> bool:
    return bool(re.match(r"\s*<(!doctype|html)", body, re.IGNORECASE))


def _detail(body: Any) -> str:
    """Return what the server said of an error, short; the SDK gives JSON, a model or text."""
    if hasattr(body, "model_dump"):
        body = body.model_dump()
    if isinstance(body, dict):
        said = body.get("validation_errors") or body.get("detail") or body
        body = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    return scrub(str(body)).strip()[:300] or "it said nothing"
