"""What an organization has settled for all its members: small texts by name."""

from __future__ import annotations

from sqlalchemy import Connection, ScalarSelect, select

from audit_core.state.tables import organization, organization_setting

OWN_ACTIVITY = "own_activity"
"""Whether members may see what they did themselves: `ON`, or no setting at all."""

ON = "on"


def read_setting(connection: Connection, *, organization_id: str, name: str) -> str | None:
    """The kept value; `None` when none was kept."""
    return connection.execute(
        select(organization_setting.c.value).where(
            organization_setting.c.organization_id == organization_id,
            organization_setting.c.name == name,
        )
    ).scalar()


def keep_setting(
    connection: Connection, *, organization_id: str, name: str, value: str | None
) -> None:
    """Keep a value in place of the one before; `None` keeps none. The organization must exist."""
    of_this_name = (
        organization_setting.c.organization_id == organization_id,
        organization_setting.c.name == name,
    )
    connection.execute(organization_setting.delete().where(*of_this_name))
    if value is not None:
        connection.execute(
            organization_setting.insert().values(
                organization_id=organization_id, name=name, value=value
            )
        )


def setting_of_organization(name: str) -> ScalarSelect[str]:
    """The value of a setting beside each row of `organization`; NULL when none was kept."""
    return (
        select(organization_setting.c.value)
        .where(
            organization_setting.c.organization_id == organization.c.id,
            organization_setting.c.name == name,
        )
        .correlate(organization)
        .scalar_subquery()
    )
