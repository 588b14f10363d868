from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_disabled
from audit_core.identity.memberships import Member, members, set_membership
from tests.support.ada import NOW, Ada


def test_an_organization_lists_its_own_people_with_what_they_are(ada: Ada) -> None:
    with ada.state.begin() as connection:
        set_membership(
            connection,
            account_id=ada.account.id,
            organization_id="org-b",
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
        set_disabled(connection, account_id=ada.account.id, disabled=True)
    with ada.state.read() as connection:
        assert members(connection, "org-b", NOW) == (
            Member(
                account_id=ada.id,
                email="ada@example.com",
                name="Ada",
                role=Role.MEMBER,
                grants={Permission.READ: None},
                disabled=False,
                account_disabled=True,
                last_seen_at=None,
            ),
        )


def test_people_of_other_organizations_are_not_listed(ada: Ada) -> None:
    with ada.state.read() as connection:
        assert members(connection, "org-b", NOW) == ()
        assert members(connection, "unknown", NOW) == ()
        assert [member.role for member in members(connection, "org-a", NOW)] == [Role.AUDITOR]
