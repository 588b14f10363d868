"""The shapes of secrets in free text: regular expressions that Python and every engine read alike.

`redaction` runs them here and `log.dialects.secrets` in each engine, so only what all of them
understand may stand in a shape:

- No look-around, no lazy repetition, no flags, no entropy. Case is folded by brackets (`_fold`).
- Alternatives that can begin at the same place must not depend on their order: Python and RE2 take
  the first one that matches, PostgreSQL the longest. Here the first is always the longest.
- Repetition up to 255 times, which is how far PostgreSQL counts.
- `\\b` only at the beginning of a shape or of an alternative: a secret ends where its shape does,
  also where a word follows at once.

Every match takes time in proportion to the text: it begins at a literal from which a bounded
stretch decides, or else it takes all that it has read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MARK = "[redacted]"

SPACES = "\\s\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""All that Python takes for a space, within brackets: the engines take only ASCII's for one."""

_S, _N = f"[{SPACES}]", f"[^{SPACES}]"
_WORD = "[A-Za-z0-9_]"


class Shape(NamedTuple):
    """One step of redaction."""

    pattern: str
    replacement: str
    """With `\\1` for what stays."""
    literals: tuple[str, ...]
    """In lower case. A text without any of them, whatever its case, has no match: that is told
    at less cost than by the pattern."""


def _fold(words: str) -> str:
    """An expression for the same letters in any case."""
    return re.sub(
        # Neither what a backslash gives a meaning, nor what stands in brackets.
        r"\\.|\[[^\]]*\]|[a-z]",
        lambda part: part[0] if part[0][1:] else f"[{part[0].upper()}{part[0]}]",
        words,
    )


# --- What says by itself that it is secret ------------------------------------------------------

TOKENS: tuple[tuple[str, str, str], ...] = (
    # Ours, and Daytona's.
    ("sandtrail_", "[A-Za-z0-9_-]{43}", "state/secrets.py"),
    ("dtn[-_]", "[A-Za-z0-9_-]{8,}", "Daytona docs, API keys"),
    # Where code is kept and built.
    *(
        (beginning, "[-_][A-Za-z0-9_-]{8,}", "GitHub docs, about authentication: token formats")
        for beginning in ("gho", "ghp", "ghr", "ghs", "ghu")
    ),
    ("github_pat_", "[A-Za-z0-9_]{16,}", "GitHub docs, about authentication: token formats"),
    *(
        (f"gl{kind}-", "[A-Za-z0-9_-]{8,}", "GitLab docs, token overview: prefixes")
        for kind in (
            "pat", "dt", "rt", "rtr", "cbt", "ptt", "ft", "imt", "agent", "oas", "soat", "wt",
            "ffct",
        )
    ),
    ("GR1348941", "[A-Za-z0-9_-]{8,}", "GitLab docs, token overview: runner registration"),
    ("ATBB", "[A-Za-z0-9_=-]{20,}", "Bitbucket docs, app passwords"),
    ("AT[AC]TT3", "[A-Za-z0-9_=-]{20,}", "Atlassian docs, API tokens"),
    ("npm_", "[A-Za-z0-9]{30,}", "npm docs, access tokens; GitHub changelog of their format"),
    ("pypi-AgE", "[A-Za-z0-9_-]{8,}", "PyPI help, API tokens: macaroons in base64"),
    ("rubygems_", "[a-f0-9]{32,}", "RubyGems guides, API key format"),
    ("dckr_[op]at_", "[A-Za-z0-9_-]{16,}", "Docker docs, access tokens"),
    ("AKCp", "[A-Za-z0-9]{10,}", "JFrog docs, API keys of Artifactory"),
    ("CCIP(?:AT|RJ)_", "[A-Za-z0-9_]{16,}", "CircleCI docs, API tokens"),
    ("bkua_", "[a-f0-9]{32,}", "Buildkite docs, API access tokens"),
    # Clouds.
    ("AKIA", "[0-9A-Z]{16}", "AWS IAM user guide, unique identifiers"),
    ("ASIA", "[0-9A-Z]{16}", "AWS IAM user guide, unique identifiers"),
    ("ABIA", "[0-9A-Z]{16}", "AWS IAM user guide, unique identifiers"),
    ("ACCA", "[0-9A-Z]{16}", "AWS IAM user guide, unique identifiers"),
    ("A3T[A-Z0-9]", "[0-9A-Z]{16}", "detect-secrets, the oldest keys of AWS"),
    ("ABSK", "[A-Za-z0-9+/=]{40,}", "AWS Bedrock user guide, API keys"),
    ("AIza", "[0-9A-Za-z_-]{30,}", "Google Cloud docs, API keys"),
    ("ya29\\.", "[0-9A-Za-z_.-]{16,}", "Google identity docs, OAuth 2.0 access tokens"),
    ("GOCSPX-", "[0-9A-Za-z_-]{20,}", "Google identity docs, OAuth 2.0 client secrets"),
    ("do[opr]_v1_", "[a-f0-9]{32,}", "DigitalOcean API reference, authentication"),
    ("HRKU-", "[A-Za-z0-9_-]{30,}", "Heroku dev center, OAuth token prefixes"),
    ("fo1_", "[A-Za-z0-9_-]{30,}", "Fly.io docs, access tokens"),
    ("fm1[ar]?_", "[A-Za-z0-9+/=_-]{30,}", "Fly.io docs, macaroon tokens"),
    ("fm2[ar]?_", "[A-Za-z0-9+/=_-]{30,}", "Fly.io docs, macaroon tokens"),
    ("dapi", "[a-f0-9]{32}(?:-[0-9])?", "Databricks docs, personal access tokens"),
    ("pul-", "[a-f0-9]{40}", "Pulumi docs, access tokens"),
    ("hvb\\.", "[A-Za-z0-9_-]{20,}", "HashiCorp Vault docs, tokens: prefixes"),
    ("hvr\\.", "[A-Za-z0-9_-]{20,}", "HashiCorp Vault docs, tokens: prefixes"),
    ("hvs\\.", "[A-Za-z0-9_-]{20,}", "HashiCorp Vault docs, tokens: prefixes"),
    ("dp\\.(?:pt|ct|sa|st|scim|audit)\\.", "[A-Za-z0-9._-]{20,}", "Doppler docs, auth tokens"),
    ("tskey-[a-z]{2,12}-", "[A-Za-z0-9-]{8,}", "Tailscale docs, key prefixes"),
    ("sbp_", "[a-f0-9]{32,}", "Supabase docs, access tokens"),
    ("sb_secret_", "[A-Za-z0-9_-]{16,}", "Supabase docs, API keys"),
    ("pscale_(?:tkn|pw|oauth)_", "[A-Za-z0-9_.=-]{16,}", "PlanetScale docs, service tokens"),
    ("nfp_", "[A-Za-z0-9]{30,}", "Netlify changelog, token format"),
    # Models.
    # With a digit: names of things may begin so as well.
    ("sk-", "[A-Za-z_-]{0,60}[0-9][A-Za-z0-9_-]{7,}", "OpenAI, Anthropic API references"),
    ("sk_", "[A-Za-z_-]{0,60}[0-9][A-Za-z0-9_-]{7,}", "Stripe docs, API keys"),
    ("rk_", "[A-Za-z_-]{0,60}[0-9][A-Za-z0-9_-]{7,}", "Stripe docs, API keys"),
    # One in twenty has its first digit late, or none.
    *(
        (beginning, "[A-Za-z0-9]{16,}", "Stripe docs, API keys")
        for beginning in ("sk_live_", "sk_test_", "rk_live_", "rk_test_")
    ),
    ("hf_", "[A-Za-z0-9]{20,}", "Hugging Face docs, user access tokens"),
    ("gsk_", "[A-Za-z0-9]{20,}", "Groq docs, API keys"),
    ("xai-", "[A-Za-z0-9]{20,}", "xAI docs, API keys"),
    ("pplx-", "[A-Za-z0-9]{20,}", "Perplexity docs, API keys"),
    ("r8_", "[A-Za-z0-9]{20,}", "Replicate docs, API tokens"),
    ("e2b_", "[a-f0-9]{32,}", "E2B docs, API keys"),
    ("lsv2_[ps][tk]_", "[a-f0-9_]{32,}", "LangSmith docs, API keys"),
    # Messages, payment, and other services.
    ("xox[a-z]-", "[A-Za-z0-9-]{8,}", "Slack docs, token types"),
    ("xapp-", "[A-Za-z0-9-]{16,}", "Slack docs, token types"),
    ("whsec_", "[A-Za-z0-9+/=]{16,}", "Stripe docs, webhook signatures"),
    ("SG\\.", "[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}", "SendGrid docs, API keys"),
    ("key-", "[a-f0-9]{32}", "Mailgun docs, API keys"),
    ("xkeysib-", "[A-Za-z0-9-]{32,}", "Brevo docs, API keys"),
    ("(?:bot)?[0-9]{8,10}:AA", "[A-Za-z0-9_-]{30,}", "Telegram Bot API, authorizing your bot"),
    ("shp(?:at|ca|pa|ss)_", "[a-fA-F0-9]{32}", "Shopify changelog, length of tokens"),
    ("sq0(?:atp|csp)-", "[A-Za-z0-9_-]{20,}", "Square docs, access tokens"),
    ("EAAA", "[A-Za-z0-9_-]{56,}", "Square docs, access tokens"),
    ("lin_(?:api|oauth)_", "[A-Za-z0-9]{20,}", "Linear docs, API keys"),
    ("ntn_", "[A-Za-z0-9]{30,}", "Notion docs, token format"),
    ("secret_", "[A-Za-z0-9]{43}", "Notion docs, token format"),
    ("pat", "[A-Za-z0-9]{14}\\.[a-f0-9]{64}", "Airtable docs, personal access tokens"),
    ("figd_", "[A-Za-z0-9_-]{30,}", "Figma docs, personal access tokens"),
    ("PMAK-", "[A-Za-z0-9-]{30,}", "Postman docs, API keys"),
    ("NRAK-", "[A-Z0-9]{20,}", "New Relic docs, API keys"),
    ("glsa_", "[A-Za-z0-9+/=_]{30,}", "Grafana docs, service account tokens"),
    ("glc_", "[A-Za-z0-9+/=_]{30,}", "Grafana docs, cloud access policies"),
    ("sntry[su]_", "[A-Za-z0-9+/=_]{30,}", "Sentry docs, auth tokens"),
    ("dt0[a-z][0-9]{2}\\.", "[A-Z0-9]{24}\\.[A-Z0-9]{64}", "Dynatrace docs, token format"),
    ("ops_eyJ", "[A-Za-z0-9_-]{30,}", "1Password docs, service accounts"),
    ("AGE-SECRET-KEY-1", "[0-9A-Z]{30,}", "age specification, X25519 identities"),
    ("eyJ", "[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]+)*", "RFC 7519: an object in base64 begins so"),
)  # fmt: skip
"""Tokens that begin in a way of their own: (beginning, rest, whose publication says so). A
beginning holds letters that are the same in all of its tokens (see `_literal`)."""


def _literal(beginning: str) -> str:
    """The longest literal text of a beginning, in lower case."""
    plain = re.sub(r"\(\?:[^)]*\)\??|\[[^\]]*\]\??|\{[^}]*\}", " ", beginning)
    return max(plain.replace("\\", "").lower().split(), key=len)


_PRIVATE_KEY = (
    # RFC 7468 and its like of OpenSSH, PGP and SSH2. One whose end was cut off goes to the end of
    # the text. Line ends may be written as escapes; there may be headers with dashes in them.
    r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    r"[^-]*(?:-[^-]+)*(?:-{4,5} ?END [A-Z0-9 ]{0,60}-{4,5})?"
)

_BY_ITSELF = rf"{_PRIVATE_KEY}|\b(?:{'|'.join(start + rest for start, rest, _ in TOKENS)})"


# --- What a name before it says to be secret ----------------------------------------------------

_NAME = _fold(
    r"(?:passwords?|passwd|passphrase|passcode|secrets?|token"
    r"|(?:api|access|private|secret|account|shared|encryption|signing|master|service|auth|client"
    r"|storage|deploy|subscription)[_ -]?key)(?:_base|[_-]?[0-9]{1,3})?"
)
_NAME_WITH_EQUALS = _fold(
    r"(?:signature|credentials?|\bsig|\b_auth|sandtrail_session|jsessionid|phpsessid|connect\.sid)"
)
_WORKING_DIRECTORY_OR_PASSWORD = _fold("pwd")

_SEPARATOR = (
    # The bracket is that of `config["password"] = …`; a note like `[no token]: …` stays.
    rf"(?:\\*(?:[\"']\]?)?{_S}{{0,3}}[=:>]{{1,3}}{_S}{{0,3}}"
    # A block of YAML.
    rf"(?:[|>][-+]?{_S}{{1,8}})?"
    # How Kubernetes and Docker list the variables of an environment.
    rf"|\\*[\"']{_S}{{0,3}},{_S}{{0,3}}\\*[\"']?[Vv]alue\\*[\"']?{_S}{{0,3}}[=:]{_S}{{0,3}})"
)


def _quoted(quote: str) -> str:
    """Between quotation marks, with what is escaped in it; or between escaped marks."""
    plain = rf"{quote}[^{quote}\\]*(?:\\(?:{quote}|[^{quote}])[^{quote}\\]*)*{quote}"
    return rf"{plain}|\\+{quote}[^{quote}]*{quote}"


_QUOTED = rf"(?:{_quoted(chr(34))}|{_quoted(chr(39))})"
_REST = (
    # Marks that are not closed, up to the next space.
    rf"\\*\"[^\"{SPACES}]*|\\*'[^'{SPACES}]*"
    # A list, and what is redacted already.
    rf"|\[[^\[\]]*\]{_WORD}*|\[[^\[\]{SPACES}]*"
)


_VALUE = rf"(?:{_QUOTED}+{_WORD}*|{_REST}|\\*[^{SPACES}\"'\[\\]{_N}*)"
"""What stands right behind quotation marks belongs to it. One without marks goes up to the next
space."""


_NAMED = (
    rf"((?:{_NAME}{_SEPARATOR}|{_NAME_WITH_EQUALS}=)){_VALUE}"
    # The working directory has this name too, and begins with one of these.
    rf"|({_WORKING_DIRECTORY_OR_PASSWORD}\\*(?:[\"']\]?)?{_S}{{0,3}}[=:]{_S}{{0,3}})"
    rf"(?:\\*[\"'][^{SPACES}\"'/~\\]{_N}*|[^{SPACES}\"'/~\[\\]{_N}*|\[[^\[\]{SPACES}]*\]?)"
)

_SCHEME = rf"(?:[A-Za-z0-9-]{{1,30}}{_S}{{1,3}})?"
_HEADERS = (
    # RFC 9110 and RFC 6265: an optional scheme, then parameters with commas or semicolons.
    rf"({_fold('(?:authorization|cookie)')}\\*(?:[\"']\]?)?{_S}{{0,3}}[=:]{{1,2}}{_S}{{0,3}})"
    rf"(?:{_QUOTED}"
    rf"|\\*[\"']{_SCHEME}(?:[^{SPACES},;\"']|[,;]{_S}{{0,3}})+"
    rf"|{_SCHEME}[^{SPACES},;\"'\[](?:=\"[^\"]*\"|[^{SPACES},;\"']|[,;]{_S}{{0,3}})*"
    # What is redacted already.
    rf"|\[[^\[\]{SPACES}]*\]?)"
)


# --- What a command or a word before it says to be secret ---------------------------------------

_FLAG = rf"(?:^|[\"'`(\[,{SPACES}])" + _fold(
    r"(?:-{1,2}[A-Za-z0-9-]{0,40}"
    r"(?:password|passwd|passphrase|pass|secret|token|-pat|auth|credentials?"
    r"|(?:api|access|secret|private|account|master)-?key)"
    # With its hyphen: `--compat` ends alike.
    r"|-pat)"
)
_IN_COMMAND = f"{SPACES}|;&"
"""What no argument of a command holds: a space, or a mark of the shell, behind which the next
command begins. Within brackets."""


def _unlike(flags: Iterable[str], beyond: str = "") -> str:
    """The arguments before the first of the `flags`: up to ten words that do not begin with
    one, nor hold a character of `beyond`.

    Repetition takes all that it can, so that otherwise only the last flag would be found. Behind
    a flag that ends in `=` a word goes on with a space or `=`: as `--user` does, not `--userdata`.
    """
    outside = _IN_COMMAND + beyond

    def apart(endings: list[str]) -> tuple[str, str | None]:
        """How a word begins that differs from the endings, up to the first character that does;
        and what of one may stand alone, without its first part: `None` if it has to go on."""
        if "=" in endings:
            return f"[^={outside}]", None
        following: dict[str, list[str]] = {}
        for ending in endings:
            following.setdefault(ending[0], []).append(ending[1:])
        differing = [f"[^{''.join(sorted(following, key='-'.__ne__))}{outside}]"]
        begun = []
        for first, further in following.items():
            if "" not in further:
                beyond_first, within = apart(further)
                differing.append(re.escape(first) + beyond_first)
                if within is not None:
                    begun.append(re.escape(first) + within)
        alone = f"(?:{'|'.join(begun)})?" if begun else ""
        return f"(?:{'|'.join(differing)})", alone

    # What follows the difference stands here once: written at each letter of each flag, it made
    # engines take a second to read the whole shape.
    differing, begun = apart([*flags])
    alone = f"|{begun.removesuffix('?')}" if begun else ""
    word = f"(?:{differing}[^{outside}]*{alone})"
    return f"(?:{_S}{{1,3}}{word}){{0,10}}{_S}{{1,3}}"


def _given(*flags: str) -> str:
    """A value of a command as it is given: glued to a flag, or behind a space or `=`."""
    exact = [flag[:-1] for flag in flags if flag.endswith("=")]
    glued = [flag for flag in flags if not flag.endswith("=")]
    either = [f"(?:{'|'.join(exact)})(?:{_S}{{1,3}}|=)"] if exact else []
    return f"(?:{'|'.join([*either, *(f'{flag}(?:{_S}{{1,3}}|=)?' for flag in glued)])})"


_CURL_FLAGS = ("-u", "-U", "-su", "-sSu", "-ku", "-Lu", "--user=", "--proxy-user=")

_COMMANDS = (
    # Their manual pages.
    rf"\bsshpass{_S}{{1,3}}-p{_S}{{0,3}}",
    rf"\b(?:mysql|mariadb|mysqldump|mysqladmin){_unlike(['-p'])}-p",
    rf"\blogin{_unlike(['-p='], ',')}{_given('-p=')}",
    rf"\bcurl{_unlike(_CURL_FLAGS)}{_given(*_CURL_FLAGS)}",
    # The second value of a curl, behind which the command is not looked at again.
    rf"{_S}--proxy-user(?:{_S}{{1,3}}|=)",
    rf"\bredis-cli{_unlike(['-a='])}-a{_S}{{1,3}}",
    rf"-pass(?:in|out)?{_S}{{1,3}}pass:",
    rf"\bmachine{_S}{{1,3}}{_N}{{1,100}}{_S}{{1,9}}login{_S}{{1,3}}{_N}{{1,100}}{_S}{{1,9}}"
    rf"password{_S}{{1,3}}",
    rf"{_fold('identified')}{_S}{{1,3}}{_fold('by')}{_S}{{1,3}}",
    # Also in a list of arguments.
    rf"{_FLAG}(?:{_S}{{1,3}}|=|\\*[\"']{_S}{{0,3}},{_S}{{0,3}})",
)

# What begins with a mark of the shell is no value but the next command. One right behind a value
# may begin the next command, or be part of the value: what follows goes with it up to the end of
# the line, since that command is not looked at by itself.
_ARGUMENT = (
    rf"(?:{_QUOTED}+{_WORD}*|{_REST}"
    rf"|\\*[^{_IN_COMMAND}\"'\[\\-][^{_IN_COMMAND}]*(?:[|;&]+[^{_IN_COMMAND}][^\n\r]*)?)"
)

_SPOKEN = (
    rf"((?:{'|'.join(_COMMANDS)})){_ARGUMENT}"
    # RFC 6750 and RFC 7617.
    rf"|(\b{_fold('(?:bearer|basic)')}{_S}+)[A-Za-z0-9._~+/=-]{{8,}}"
    # CREATE ROLE … PASSWORD '…'
    rf"|({_fold('password')}{_S}{{1,3}})'[^']*'"
)


# --- Addresses ----------------------------------------------------------------------------------

_ADDRESSES = (
    # RFC 3986: user and password, or a long token alone.
    rf"(\b[A-Za-z][A-Za-z0-9+.-]{{0,20}}://)"
    rf"(?:[^{SPACES}/@:\"]*:[^{SPACES}/\"]+|[A-Za-z0-9_-]{{20,}})(@)"
    # Whoever knows them may post. Slack, Discord, Microsoft Teams, Zapier, IFTTT.
    r"|(hooks\.slack\.com/[a-z]{1,20}/|discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/"
    r"|webhook\.office\.com/webhookb2/|outlook\.office(?:365)?\.com/webhook/"
    r"|hooks\.zapier\.com/hooks/|maker\.ifttt\.com/)"
    rf"[^{SPACES}\"'<>]+"
)


SHAPES: tuple[Shape, ...] = (
    Shape(
        _BY_ITSELF,
        MARK,
        ("private key", *sorted({_literal(beginning) for beginning, _, _ in TOKENS})),
    ),
    Shape(_HEADERS, rf"\1{MARK}", ("authorization", "cookie")),
    Shape(
        _NAMED,
        rf"\1\2{MARK}",
        ("pass", "secret", "token", "key", "pwd", "sig", "credential", "_auth", "sess", "sid"),
    ),
    Shape(
        _SPOKEN,
        rf"\1\2\3{MARK}",
        ("bearer", "basic", "pass", "secret", "token", "key", "auth", "credential", "-pat",
         "login", "curl", "proxy-user", "redis-cli", "mysql", "mariadb", "identified"),
    ),
    Shape(_ADDRESSES, rf"\1\3{MARK}\2", ("://", "hook", "maker.ifttt")),
)  # fmt: skip
"""In the order in which they are replaced: a key over several lines before the names that would
take its first line only."""

SHORTEST = 5
"""No shape matches less, as in `sig=x`."""
