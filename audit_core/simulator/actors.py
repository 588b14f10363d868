"""Who stands in an entry as its actor, and by which client it came."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The part of an entry that says who asked, from where and with what.

    Empty and `None` mean what they mean in `AuditEntry`.
    """

    id: str
    email: str = ""
    key_prefix: str | None = None
    key_suffix: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    source: str | None = None

    @property
    def client(self) -> Client:
        """The program this actor came by."""
        return Client(self.source, self.user_agent)

    @property
    def automatic(self) -> bool:
        """Whether this is a part of the platform itself and not a user."""
        return not self.email

    def at(self, ip_address: str) -> Actor:
        """The same actor and client, seen from another address."""
        return replace(self, ip_address=ip_address)

    def using(self, client: Client) -> Actor:
        """The same actor and address with another client."""
        return replace(self, user_agent=client.user_agent, source=client.source)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that speaks to the platform. `source` is `None` for dashboard and bare API."""

    source: str | None
    user_agent: str | None


_BROWSER = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"

DASHBOARDS = (
    Client(None, _BROWSER.format("Macintosh; Intel Mac OS X 10_15_7", 141)),
    Client(None, _BROWSER.format("X11; Linux x86_64", 140)),
    Client(None, _BROWSER.format("Windows NT 10.0; Win64; x64", 141)),
    Client(None, "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
)

OLD_PYTHON = Client("sdk-python", "sdk-python/0.98.1")
"""A version that asks again too soon while a sandbox is changing state."""

PYTHON = Client("sdk-python", "sdk-python/0.141.0")
PYTHON_ASYNC = Client("sdk-python-async", "sdk-python-async/0.141.0")
TYPESCRIPT = Client("sdk-typescript", "sdk-typescript/0.141.2")
GO = Client("sdk-go", "sdk-go/0.139.0")
JAVA = Client("sdk-java", "sdk-java/0.12.0")
RUBY = Client("sdk-ruby", "sdk-ruby/0.30.1")
COMMAND_LINE = Client("cli", "daytona-cli/0.140.0 (linux/amd64)")
ASSISTANT = Client("daytona-mcp", "daytona-mcp/0.4.1")
BARE = Client(None, "curl/8.5.0")
NAMELESS = Client(None, None)

SYSTEM = Actor(id="system")
RUNNER = Actor(
    id="runner", ip_address="10.20.0.14", user_agent="daytona-runner/0.190.0", source="runner"
)
PROXY = Actor(id="proxy", ip_address="10.20.0.3", user_agent="daytona-proxy/0.190.0")
