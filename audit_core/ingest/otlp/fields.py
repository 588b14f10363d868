"""Which attributes of OpenTelemetry's semantic conventions fill which fields of an entry.

The same table stands in `docs/http.md`. The first that is there fills the field; what fills none
stays where it was, in the metadata. So does an `organization.id`, which is another system's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit_core.domain.entries import FIELDS

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "id": ("log.record.uid",),
    "actorId": ("user.id", "enduser.id"),
    "actorEmail": ("user.email",),
    "action": ("event.name",),
    "statusCode": ("http.response.status_code", "http.status_code"),
    "errorMessage": ("exception.message", "error.message"),
    "ipAddress": ("client.address", "http.client_ip"),
    "userAgent": ("user_agent.original", "http.user_agent"),
    "source": ("service.name",),
}
"""By the field's name in JSON. An attribute with the field's own name comes before these."""

NAMES: Mapping[str, tuple[str, ...]] = {
    name: (name, *((field,) if field != name else ()), *CONVENTIONS.get(name, ()))
    for name, field in FIELDS
    if name != "metadata"
}
"""All attributes that can fill a field, the first before the others."""


def take(name: str, attributes: dict[str, Any]) -> Any:
    """Take the value for a field out of attributes; `None` if no attribute is for it.

    Whole numbers stand for texts, and digits for a status: conventions differ in that.
    """
    for attribute in NAMES[name]:
        if attributes.get(attribute) is not None:
            value = attributes.pop(attribute)
            if name == "statusCode":
                digits = isinstance(value, str) and value.isascii() and value.isdigit()
                return int(value[:20]) if digits else value
            return str(value) if type(value) is int else value
    return None
